"""vLLM's engine as a rollout needs it: load a version, free it, have it answer.

The only module that touches vLLM's serving objects; it knows nothing of personas.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from starlette.requests import Request
from vllm.engine.protocol import EngineClient
from vllm.entrypoints.openai.chat_completion.protocol import (
    ChatCompletionRequest,
    ChatCompletionResponse,
)
from vllm.entrypoints.openai.chat_completion.serving import OpenAIServingChat
from vllm.entrypoints.openai.models.serving import OpenAIServingModels
from vllm.entrypoints.serve.engine.protocol import ErrorResponse
from vllm.entrypoints.serve.lora.protocol import LoadLoRAAdapterRequest
from vllm.v1.engine.exceptions import EngineDeadError

from adapters.manifest import BASE

from .errors import EngineRefused
from .probe import Answer

LEAST_TO_KEEP_ONE = 8
"""An engine with so many places keeps one for probes, which would wait behind long answers."""

WARM_UP = ({"role": "user", "content": "Hello"},)


class VllmEngine:
    def __init__(
        self, client: EngineClient, models: OpenAIServingModels, chat: OpenAIServingChat
    ) -> None:
        self._client, self._models, self._chat = client, models, chat
        lora = client.vllm_config.lora_config
        if lora is None:
            raise EngineRefused("vLLM was started without --enable-lora")
        self.max_batched: int = lora.max_loras
        self.max_loaded: int = lora.max_cpu_loras or lora.max_loras
        self.max_rank: int = lora.max_lora_rank
        self.max_context: int = client.model_config.max_model_len
        self.engines: int = client.vllm_config.parallel_config.data_parallel_size
        running = client.vllm_config.scheduler_config.max_num_seqs
        kept = 1 if running >= LEAST_TO_KEEP_ONE else 0
        self.places: int = self.engines * (running - kept)

    async def load(self, name: str, folder: Path) -> None:
        """Load a version under its own name and path. Raises EngineRefused."""
        request = LoadLoRAAdapterRequest(lora_name=name, lora_path=str(folder))
        result = await self._models.load_lora_adapter(request)
        if isinstance(result, ErrorResponse):
            raise EngineRefused(result.error.message)

    async def remove(self, name: str) -> None:
        """Forget a version's name and free its weights. Raises EngineRefused."""
        request = self._models.lora_requests.pop(name, None)
        if request is None:
            return
        try:
            await self._client.remove_lora(request.lora_int_id)
        except EngineDeadError as error:
            raise EngineRefused("the engine has died") from error

    async def warm_up(self) -> None:
        """Have every engine sample a first time. Raises EngineRefused.

        vLLM compiles its sampling when it is first wanted, for one answer at a time and again for
        several, and every running answer stands still for it: seconds on a CPU.
        """
        for rank in range(self.engines):
            for answers in (1, 2):
                await self._complete(BASE, WARM_UP, {"max_tokens": 1, "n": answers}, rank)

    async def answer(
        self, name: str, messages: Sequence[dict[str, str]], sampling: dict[str, Any], rank: int
    ) -> Answer:
        """One whole answer of one of the engines. Raises EngineRefused."""
        choice = (await self._complete(name, messages, sampling, rank)).choices[0]
        chosen = choice.logprobs.content if choice.logprobs and choice.logprobs.content else []
        return Answer(
            text=choice.message.content or "",
            ended=choice.finish_reason == "stop",
            finite=all(math.isfinite(token.logprob) for token in chosen),
        )

    async def _complete(
        self, name: str, messages: Sequence[dict[str, str]], sampling: dict[str, Any], rank: int
    ) -> ChatCompletionResponse:
        fields = {"model": name, "messages": list(messages), "logprobs": True, **sampling}
        request = ChatCompletionRequest.model_validate(fields)
        try:
            result = await self._chat.create_chat_completion(request, _directed_to(rank))
        except EngineDeadError as error:
            raise EngineRefused("the engine has died") from error
        except ValueError as error:
            raise EngineRefused(str(error)) from error
        if not isinstance(result, ChatCompletionResponse):
            raise EngineRefused(
                result.error.message if isinstance(result, ErrorResponse) else "no whole answer"
            )
        return result

    def alive(self) -> bool:
        return not self._client.errored


def _directed_to(rank: int) -> Request:
    """What vLLM reads of a request's headers, so that no balancer chooses the engine."""
    return Request({"type": "http", "headers": [(b"x-data-parallel-rank", b"%d" % rank)]})
