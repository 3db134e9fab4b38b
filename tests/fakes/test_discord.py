"""The fake Discord refuses what Discord refuses; spoken to here without any library's help."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.clients import Rest
from tests.fakes.discord import FakeDiscord
from tests.fakes.discord.limits import Bucket, Limit


async def test_a_wrong_token_is_401(rest: Rest) -> None:
    status, body, _ = await rest("GET", "/users/@me", token="wrong")
    assert (status, body["message"]) == (401, "401: Unauthorized")


async def test_answers_have_exactly_the_content_type_of_discord(rest: Rest) -> None:
    _, _, headers = await rest("GET", "/users/@me")
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"content": "x" * 2001}, 50035),
        ({"content": "  "}, 50006),
        ({}, 50006),
        ({"content": "hi", "nonce": "n" * 26}, 50035),
        ({"content": "hi", "flags": 1 << 6}, 50035),
        ({"content": "hi", "allowed_mentions": {"parse": ["friends"]}}, 50035),
        ({"content": "hi", "allowed_mentions": {"parse": ["users"], "users": ["1"]}}, 50035),
        ({"content": "hi", "allowed_mentions": {"users": [str(n) for n in range(101)]}}, 50035),
        ({"content": "hi", "message_reference": {"message_id": "1"}}, 50035),
    ],
)
async def test_a_message_out_of_shape_is_refused_and_not_made(
    discord: FakeDiscord, rest: Rest, body: dict[str, Any], code: int
) -> None:
    status, answer, _ = await rest.send(**body)
    assert (status, answer["code"]) == (400, code)
    assert discord.seen() == []


async def test_a_field_that_discord_does_not_know_is_remembered(
    discord: FakeDiscord, rest: Rest
) -> None:
    status, _, _ = await rest.send(content="hi", contents="typo")
    assert status == 200
    assert discord.oddities == {"contents"}


async def test_an_enforced_nonce_makes_one_message_of_two_sends(
    discord: FakeDiscord, rest: Rest
) -> None:
    _, first, _ = await rest.send(content="hi", nonce="7", enforce_nonce=True)
    _, second, _ = await rest.send(content="hi", nonce="7", enforce_nonce=True)
    await rest.send(content="hi", nonce="7")
    assert first["id"] == second["id"]
    assert len(discord.seen()) == 2


async def test_without_allowed_mentions_a_message_pings_all_it_names(
    discord: FakeDiscord, rest: Rest
) -> None:
    ada = discord.person("Ada")
    await rest.send(content=f"hello {ada.mention}")
    assert discord.seen()[0].pinged == {ada.id}


async def test_only_the_author_edits_a_message(discord: FakeDiscord, rest: Rest) -> None:
    said = discord.says(discord.person("Ada"), "mine")
    path = f"/channels/{discord.general.id}/messages/{said.id}"
    status, body, _ = await rest("PATCH", path, {"content": "yours"})
    assert (status, body["code"]) == (403, 50005)
    assert said.content == "mine"


async def test_the_sixth_send_in_five_seconds_is_429_with_the_wait_in_it(
    discord: FakeDiscord, rest: Rest
) -> None:
    answers = [await rest.send(content="hi") for _ in range(6)]
    assert [status for status, _, _ in answers] == [200] * 5 + [429]
    left = [headers["X-RateLimit-Remaining"] for _, _, headers in answers[:5]]
    assert left == ["4", "3", "2", "1", "0"]
    _, body, headers = answers[5]
    assert 0 < body["retry_after"] <= 5
    assert body["global"] is False
    assert headers["Via"]
    assert len(discord.rate_limited) == 1
    assert len({headers["X-RateLimit-Bucket"] for _, _, headers in answers}) == 1


async def test_the_global_limit_counts_every_route_of_the_bot(
    discord: FakeDiscord, rest: Rest
) -> None:
    discord.limits.of_everything = Bucket(Limit(3, 1.0))
    assert (await rest.send(content="hi"))[0] == 200
    assert [(await rest("GET", "/users/@me"))[0] for _ in range(3)] == [200, 200, 429]
    _, body, headers = await rest.send(content="hi")
    assert body["global"] is True
    assert headers["X-RateLimit-Scope"] == "global"
    made = discord.makes_webhook(discord.person("Ada"), "News")
    hook = f"/webhooks/{made.id}/{made.token}"
    assert (await rest("POST", hook, {"content": "not the bot's"}))[0] == 204


@pytest.mark.parametrize(
    "command",
    [
        {"name": "Upper", "description": "x"},
        {"name": "a b", "description": "x"},
        {"name": "x" * 33, "description": "x"},
        {"name": "x", "description": ""},
        {"name": "x", "description": "d" * 101},
        {
            "name": "x",
            "description": "x",
            "options": [
                {"type": 3, "name": "a", "description": "a"},
                {"type": 3, "name": "b", "description": "b", "required": True},
            ],
        },
    ],
)
async def test_a_command_out_of_shape_is_refused(
    discord: FakeDiscord, rest: Rest, command: dict[str, Any]
) -> None:
    path = f"/applications/{discord.application_id}/commands"
    status, body, _ = await rest("PUT", path, [command])
    assert (status, body["code"]) == (400, 50035)
    assert discord.commands.registered == []


async def with_one_command(discord: FakeDiscord, rest: Rest) -> Any:
    command = {"name": "hello", "description": "x", "options": []}
    await rest("PUT", f"/applications/{discord.application_id}/commands", [command])
    return discord.uses(discord.person("Ada"), "hello")


async def test_an_interaction_is_answered_once(discord: FakeDiscord, rest: Rest) -> None:
    used = await with_one_command(discord, rest)
    path = f"/interactions/{used.id}/{used.token}/callback"
    answer = {"type": 4, "data": {"content": "hi", "flags": 64}}
    assert (await rest("POST", path, answer))[0] == 204
    status, body, _ = await rest("POST", path, answer)
    assert (status, body["code"]) == (400, 40060)
    assert used.text == "hi"
    assert discord.seen() == []  # ephemeral: in nobody else's history


async def test_an_interaction_that_waited_too_long_is_unknown(
    discord: FakeDiscord, rest: Rest
) -> None:
    discord.interactions.acknowledge_within_s = 0
    used = await with_one_command(discord, rest)
    path = f"/interactions/{used.id}/{used.token}/callback"
    status, body, _ = await rest("POST", path, {"type": 4, "data": {"content": "hi"}})
    assert (status, body["code"]) == (404, 10062)
