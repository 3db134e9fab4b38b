"""What vLLM would answer with a 5xx, or work on for minutes: refused before it gets there.

Knows which values vLLM's own checks miss (tests/inference_server/fuzzing.py looks for more) and
nothing else about a request: what vLLM refuses by itself is left to it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

from .errors import BadRequest

MAX_DEPTH = 100
"""Objects and lists inside each other; Python's own parsers give up at several hundred."""
SMALLEST, LARGEST = -(2**63), 2**64 - 1
"""Whole numbers that can travel to the engine."""
MAX_NUMBER = 2**63 - 1
NUMBERS = frozenset({
    "frequency_penalty", "length_penalty", "logprobs", "max_completion_tokens", "max_tokens",
    "min_p", "min_tokens", "n", "presence_penalty", "priority", "prompt_logprobs",
    "repetition_penalty", "routed_experts_prompt_start", "seed", "stream_interval", "temperature",
    "thinking_token_budget", "top_k", "top_logprobs", "top_p", "truncate_prompt_tokens",
})  # fmt: skip
MAX_LENGTH_PENALTY = 10.0
"""Beyond it, a length to the power of the penalty is zero or infinite."""
MAX_CONSTRAINT = 32_768
"""Characters of a schema or grammar; a compiler's time grows faster than its text."""
MAX_PATTERN = 500
"""Characters of a regular expression, likewise."""
TRANSFERS = {"kv_transfer_params", "ec_transfer_params"}
"""Fields of their own, which vLLM would take from 'vllm_xargs' too, unchecked."""
REQUEST_ID = re.compile(r"[!-~]{1,128}")
"""It is written into the log."""


def check(request: dict[str, Any], max_context: int) -> None:
    """Raises BadRequest with a sentence about the first thing that can't be served."""
    _check_length(request, max_context)
    _check_values(request)
    _check_numbers(request)
    _check_messages(request.get("messages"))
    _check_tools(request.get("tools"))
    for name in ("response_format", "structured_outputs"):
        if request.get(name) is not None:
            _check_constraint(name, request[name])


def _check_length(request: dict[str, Any], max_context: int) -> None:
    """Raises BadRequest where even empty messages would be more tokens than fit."""
    messages = request.get("messages")
    truncated = request.get("truncate_prompt_tokens") is not None
    if isinstance(messages, list) and len(messages) > max_context and not truncated:
        raise BadRequest(f"{len(messages)} messages never fit into {max_context} tokens.")


def _check_values(request: dict[str, Any]) -> None:
    """Raises BadRequest for what JSON can write but neither a text nor the engine can hold."""
    level: list[Any] = [request]
    for _ in range(MAX_DEPTH):
        deeper: list[Any] = []
        for node in level:
            for value in chain(node, node.values()) if type(node) is dict else node:
                kind = type(value)
                if kind is str:
                    if not value.isascii():
                        _check_text(value)
                elif kind is dict or kind is list:
                    deeper.append(value)
                elif (kind is int or kind is float) and not SMALLEST <= value <= LARGEST:
                    _check_number(value)
        if not deeper:
            return
        level = deeper
    raise BadRequest(f"The body is nested more than {MAX_DEPTH} levels deep.")


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadRequest("A text holds half of a surrogate pair (\\ud800 to \\udfff).") from None


def _check_number(value: float) -> None:
    if isinstance(value, int):
        raise BadRequest("A whole number does not fit in 64 bits.")
    if value - value != 0:
        raise BadRequest("NaN and Infinity are not JSON.")


def _check_numbers(request: dict[str, Any]) -> None:
    for name in NUMBERS & request.keys():
        value = request[name]
        if isinstance(value, str):
            raise BadRequest(f"'{name}' must be a number, not a text.")
        if isinstance(value, int | float) and not SMALLEST <= value <= MAX_NUMBER:
            raise BadRequest(f"'{name}' is too large.")
    if not isinstance(request.get("n"), int | None):
        raise BadRequest("'n' must be a whole number.")
    penalty = request.get("length_penalty")
    if isinstance(penalty, int | float) and abs(penalty) > MAX_LENGTH_PENALTY:
        raise BadRequest(f"'length_penalty' must lie within ±{MAX_LENGTH_PENALTY:g}.")
    extra = request.get("vllm_xargs")
    if isinstance(extra, dict) and not TRANSFERS.isdisjoint(extra):
        raise BadRequest("'vllm_xargs' can't hold transfer parameters.")
    request_id = request.get("request_id")
    if isinstance(request_id, str) and not REQUEST_ID.fullmatch(request_id):
        raise BadRequest("'request_id' must be 1 to 128 visible ASCII characters.")


def _check_messages(messages: Any) -> None:
    """Raises BadRequest where the arguments of a past tool call can't be parsed in bounds."""
    for message in messages if isinstance(messages, list) else ():
        calls = message.get("tool_calls") if isinstance(message, dict) else None
        for call in calls if isinstance(calls, list) else ():
            function = call.get("function") if isinstance(call, dict) else None
            arguments = function.get("arguments") if isinstance(function, dict) else None
            if isinstance(arguments, str) and _nests_deeply(arguments):
                raise BadRequest("The arguments of a tool call are nested too deeply.")


def _nests_deeply(text: str) -> bool:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return False
    try:
        _check_values({"": json.loads(text)})
    except (RecursionError, BadRequest):
        return True
    except ValueError:
        return False
    return False


def _check_tools(tools: Any) -> None:
    for tool in tools if isinstance(tools, list) else ():
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise BadRequest("Each of 'tools' needs a 'function' with a 'name'.")


def _check_constraint(name: str, constraint: Any) -> None:
    if not isinstance(constraint, dict):
        raise BadRequest(f"'{name}' must be an object.")
    if len(json.dumps(constraint, ensure_ascii=False)) > MAX_CONSTRAINT:
        raise BadRequest(f"'{name}' is longer than {MAX_CONSTRAINT} characters.")
    for pattern in _patterns(constraint):
        if len(pattern) > MAX_PATTERN:
            raise BadRequest(f"A pattern in '{name}' is longer than {MAX_PATTERN} characters.")


def _patterns(node: Any) -> Iterator[str]:
    """Every regular expression in a schema, in those that are texts themselves too."""
    if isinstance(node, list):
        for item in node:
            yield from _patterns(item)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        if key in ("pattern", "regex") and isinstance(value, str):
            yield value
        elif key == "patternProperties" and isinstance(value, dict):
            yield from value
        if key in ("json", "structural_tag") and isinstance(value, str):
            yield from _patterns(_parsed(value))
        else:
            yield from _patterns(value)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
