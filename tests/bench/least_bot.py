"""The least that could answer on Discord: discord.py, openai and two trips to Redis a turn.

No limits, no personas, no window, no order: what our bot is compared with, not a bot to use.
"""

from __future__ import annotations

import os

import discord
from openai import AsyncOpenAI
from redis.asyncio import Redis

from bot.platforms.discord.endpoints import ask_for_gateway, pointing_at


class Least(discord.Client):
    def __init__(self, model: AsyncOpenAI, redis: Redis) -> None:
        intents = discord.Intents(guilds=True, guild_messages=True, message_content=True)
        super().__init__(intents=intents, chunk_guilds_at_startup=False, max_messages=None)
        self._model, self._redis = model, redis

    async def setup_hook(self) -> None:
        await ask_for_gateway(self.http)

    async def on_message(self, message: discord.Message) -> None:
        if message.author.bot:
            return
        key = f"least:{message.channel.id}"
        await self._redis.rpush(key, message.content)
        stream = await self._model.chat.completions.create(
            model="maya", messages=[{"role": "user", "content": message.content}], stream=True
        )
        said = ""
        async for chunk in stream:
            said += (chunk.choices[0].delta.content or "") if chunk.choices else ""
        await message.reply(said)
        await self._redis.rpush(key, said)


def main() -> None:
    given = os.environ
    model = AsyncOpenAI(base_url=given["INFERENCE_URL"], api_key=given["INFERENCE_API_KEY"])
    with pointing_at(given["DISCORD_API_URL"], None):
        Least(model, Redis.from_url(given["REDIS_URL"])).run(given["DISCORD_TOKEN"])


if __name__ == "__main__":
    main()
