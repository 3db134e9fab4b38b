"""What is refused before vLLM sees it, and that nothing else is."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest

from inference_server import sanity
from inference_server.errors import BadRequest

CONTEXT = 1024
HI = {"role": "user", "content": "hi"}
GOOD: dict[str, Any] = {"model": "maya", "messages": [HI]}
FUNCTION = {"name": "weather", "description": "…", "parameters": {"type": "object"}}


def nested(depth: int) -> Any:
    inner: Any = 1
    for _ in range(depth):
        inner = [inner]
    return inner


def call(arguments: str) -> dict[str, Any]:
    function = {"name": "f", "arguments": arguments}
    calls = [{"id": "1", "type": "function", "function": function}]
    return {"messages": [{"role": "assistant", "tool_calls": calls}]}


def constrained(schema: Any) -> dict[str, Any]:
    shape = {"name": "x", "schema": schema}
    return {"response_format": {"type": "json_schema", "json_schema": shape}}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"messages": [HI] * (CONTEXT + 1)}, "1025 messages never fit"),
        ({"metadata": nested(200)}, "nested more than"),
        ({"messages": [{"role": "user", "content": "\ud800"}]}, "surrogate"),
        ({"metadata": {"\udfff": 1}}, "surrogate"),
        ({"bad_words": ["ok", "\ud800"]}, "surrogate"),
        ({"top_k": 10**30}, "64 bits"),
        ({"metadata": [-(2**63) - 1]}, "64 bits"),
        ({"top_k": 2**63}, "'top_k' is too large"),
        ({"top_k": 1e30}, "'top_k' is too large"),
        ({"temperature": float("nan")}, "NaN"),
        ({"logit_bias": {"5": float("-inf")}}, "NaN"),
        ({"n": "5000"}, "'n' must be a number"),
        ({"n": 2.0}, "'n' must be a whole number"),
        ({"length_penalty": -400}, "'length_penalty'"),
        ({"request_id": "a\nforged line"}, "'request_id'"),
        ({"request_id": "r" * 129}, "'request_id'"),
        (call("[" * 5000), "nested too deeply"),
        (call(json.dumps(nested(300))), "nested too deeply"),
        ({"tools": [{}]}, "'function'"),
        ({"tools": [{"type": "function", "function": {}}]}, "'name'"),
        ({"tools": [None]}, "'function'"),
        ({"structured_outputs": 5}, "'structured_outputs' must be an object"),
        ({"structured_outputs": {"choice": ["word"] * 9000}}, "longer than"),
        (constrained({"enum": [f"value {i}" for i in range(30_000)]}), "longer than"),
        ({"structured_outputs": {"regex": "a?" * 1500}}, "pattern"),
        (constrained({"items": {"type": "string", "pattern": "a?" * 1500}}), "pattern"),
        (constrained({"patternProperties": {"a?" * 1500: {}}}), "pattern"),
        ({"structured_outputs": {"json": json.dumps({"pattern": "a?" * 999})}}, "pattern"),
    ],
)
def test_what_would_break_vllm_is_refused_with_a_sentence(fields, said):
    with pytest.raises(BadRequest, match=said) as refused:
        sanity.check({**GOOD, **fields}, CONTEXT)
    assert refused.value.status == 400
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"messages": [HI] * CONTEXT},
        {"messages": [HI] * (CONTEXT + 1), "truncate_prompt_tokens": -1},
        {"messages": [{"role": "user", "content": "Zoë 😀 \0 <|end|>"}]},
        {"temperature": 0.7, "top_p": 0.9, "top_k": -1, "min_p": 0.1, "repetition_penalty": 1.1},
        {"n": None, "seed": -(2**63), "max_tokens": None, "logit_bias": {"5": -100}},
        {"n": 2, "stop": ["\n", "Sam:"], "stream": True, "stream_options": {"include_usage": True}},
        {"use_beam_search": True, "n": 4, "length_penalty": 1.2},
        {"metadata": nested(50), "user": "9" * 40, "request_id": "chat-1f2e/7"},
        call('{"city": "Köln"}'),
        call(json.dumps([{"a": [i]} for i in range(500)])),
        call("not JSON"),
        {"tools": [{"type": "function", "function": FUNCTION}], "tool_choice": "none"},
        {"response_format": {"type": "json_object"}},
        constrained({"type": "object", "properties": {"name": {"type": "string"}}}),
        constrained({"type": "integer", "maximum": 2**64 - 1, "description": "…" * 2000}),
        {"structured_outputs": {"choice": ["yes", "no"]}},
        {"structured_outputs": {"json": '{"type": "string", "pattern": "[a-z]+"}'}},
        {"structured_outputs": {"json": "not JSON"}},
        {"no_such_parameter": {"a": [None, True, 1.5]}},
    ],
)
def test_what_clients_really_send_passes(fields):
    sanity.check({**GOOD, **fields}, CONTEXT)


@pytest.mark.parametrize("name", ["messages", "tools", "response_format", "n", "length_penalty"])
@pytest.mark.parametrize("value", [None, "x", 5, 1.5, True, [], {}, [None], ["x"], [[]], {"a": 1}])
def test_wrong_types_are_refused_here_or_left_to_vllm_but_never_an_accident(name, value):
    with contextlib.suppress(BadRequest):
        sanity.check({**GOOD, name: value}, CONTEXT)
