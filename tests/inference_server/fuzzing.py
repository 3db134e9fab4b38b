"""Requests nobody should send: every field that vLLM's request models know, with hostile values.

The fields come from vLLM itself, so those of a later version are tried without a change here.
`python -m tests.inference_server.fuzzing` prints them as JSON (importing vLLM is slow and loud).
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.inference_server.hostile import (
    ANYTHING,
    BY_FIELD,
    HEADERS,
    INTEGERS,
    MARKER,
    NUMBERS,
    TEXTS,
)
from tests.vllm_server import PROJECT

Schema = dict[str, Any]
Value = st.SearchStrategy[Any]
CHAT, COMPLETIONS, TOKENIZE = "/v1/chat/completions", "/v1/completions", "/tokenize"
MODELS = ("maya", "maya@1", "tom", "zoe", "base")
FEW_TOKENS = 4


@dataclass(frozen=True)
class Attempt:
    """One request; `chunked` sends it in pieces and without a length."""

    route: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    chunked: bool = False

    def pieces(self) -> Iterator[bytes]:
        for start in range(0, len(self.body), 100):
            yield self.body[start : start + 100]

    def __str__(self) -> str:
        return f"POST {self.route} {dict(self.headers)} {self.body[:2000]!r}"


def known_to_vllm() -> dict[str, list[Schema]]:
    """For each route the JSON schemas that vLLM checks a body against."""
    printed = subprocess.run(
        [sys.executable, "-m", "tests.inference_server.fuzzing"],
        cwd=PROJECT, capture_output=True, text=True, timeout=400, check=False,
    )  # fmt: skip
    assert printed.returncode == 0, printed.stderr[-4000:]
    schemas: dict[str, list[Schema]] = json.loads(printed.stdout.splitlines()[-1])
    return schemas


def attempts(schemas: dict[str, list[Schema]], url_nobody_asks: str) -> st.SearchStrategy[Attempt]:
    """`url_nobody_asks` stands wherever a request may name an address to fetch."""
    by_route = [
        (_requests(route, schema), 1 + len(BY_FIELD.keys() & schema["properties"].keys()))
        for route, known in schemas.items() for schema in known
    ]  # fmt: skip
    requests = st.one_of([request for request, weight in by_route for _ in range(weight)])
    bodies = requests.map(lambda request: (request[0], _dump(request[1], url_nobody_asks)))
    plain = st.builds(
        lambda routed, headers, chunked: Attempt(routed[0], headers, routed[1], chunked),
        bodies, HEADERS, st.booleans(),
    )  # fmt: skip
    return st.one_of(plain, plain, plain, plain.flatmap(_damaged))


def singles(schemas: dict[str, list[Schema]], url_nobody_asks: str) -> Iterator[Attempt]:
    """Each hostile value of each field alone, in a request that is good otherwise."""
    for route, known in schemas.items():
        for fields in (schema["properties"] for schema in known):
            goods = [_good(fields, "maya", streams=s) for s in (False, True)[: 1 + _talks(fields)]]
            for name in fields:
                for value, good in itertools.product(BY_FIELD.get(name, ()), goods):
                    request = _changed(fields, [(name, value)], good)
                    yield Attempt(route, (), _dump(request, url_nobody_asks))


def _dump(request: Any, url: str) -> bytes:
    return json.dumps(request).replace("URL_NOBODY_ASKS", url).encode()


def _requests(route: str, schema: Schema) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    """A good request in which one to four fields are not."""
    fields: dict[str, Schema] = schema["properties"]
    names = sorted(fields) + 2 * sorted(BY_FIELD.keys() & fields.keys())
    odd = st.sampled_from(names).flatmap(
        lambda name: st.tuples(st.just(name), _odd_values(name, fields[name], schema))
    )
    unknown = st.tuples(TEXTS, ANYTHING)
    one, few = st.lists(odd, min_size=1, max_size=1), st.lists(odd | odd | unknown, max_size=4)
    changes = one | one | few
    good = st.builds(lambda model, streams: _good(fields, model, streams=streams),
                     st.sampled_from(MODELS), st.booleans())  # fmt: skip
    return st.tuples(st.just(route), st.builds(_changed, st.just(fields), changes, good))


def _good(fields: dict[str, Schema], model: str, *, streams: bool) -> dict[str, Any]:
    good: dict[str, Any] = {"model": model}
    if "messages" in fields:
        good["messages"] = [{"role": "user", "content": f"Is it {MARKER}?"}]
    else:
        good["prompt"] = f"{MARKER} is"
    if streams and _talks(fields):
        good["stream"] = True
    limits = {"max_tokens", "max_completion_tokens"} & fields.keys()
    return {**good, **dict.fromkeys(sorted(limits), FEW_TOKENS)}


def _talks(fields: dict[str, Schema]) -> bool:
    return "stream" in fields


def _changed(
    fields: dict[str, Schema], changes: list[tuple[str, Any]], good: dict[str, Any]
) -> dict[str, Any]:
    changed = {**good, **dict(changes)}
    if changed.get("stream_options") is not None and "stream" not in dict(changes):
        changed["stream"] = True
    if changed.get("top_logprobs") is not None and "logprobs" in fields:
        changed.setdefault("logprobs", True)
    return changed


def _odd_values(name: str, schema: Schema, whole: Schema) -> Value:
    """What fits the schema (extremes above all), what does not, and what is known to hurt."""
    fitting = fits(schema, whole.get("$defs", {}))
    hostile = [st.sampled_from(BY_FIELD[name])] if name in BY_FIELD else []
    return st.one_of(fitting, *hostile, *hostile, ANYTHING)


def fits(schema: Schema, defs: dict[str, Schema]) -> Value:
    """Values that a JSON schema of pydantic's kind allows (limits are overstepped on purpose)."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        return st.deferred(lambda: fits(defs[name], defs))
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return st.one_of([fits(one, defs) for one in schema[several]])
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    return _of_type(schema, defs)


def _of_type(schema: Schema, defs: dict[str, Schema]) -> Value:
    match schema.get("type"):
        case "string":
            return TEXTS
        case "integer":
            return INTEGERS
        case "number":
            return NUMBERS
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
        case "array":
            return st.lists(fits(schema.get("items", {}), defs), max_size=3)
        case "object":
            return _objects(schema, defs)
    return ANYTHING


def _objects(schema: Schema, defs: dict[str, Schema]) -> Value:
    known = {name: fits(one, defs) for name, one in schema.get("properties", {}).items()}
    needed = {name: known.pop(name) for name in schema.get("required", ()) if name in known}
    if known or needed:
        return st.fixed_dictionaries(needed, optional=known)
    more = schema.get("additionalProperties")
    values = fits(more, defs) if isinstance(more, dict) else ANYTHING
    return st.dictionaries(st.one_of(TEXTS, INTEGERS.map(str)), values, max_size=3)


def _damaged(attempt: Attempt) -> st.SearchStrategy[Attempt]:
    """The same request with a body that arrives broken."""
    body = attempt.body
    places = st.integers(0, max(0, len(body) - 1))
    bodies = st.one_of(
        places.map(lambda at: body[:at]),
        st.tuples(places, st.integers(0, 7)).map(lambda flip: _flipped(body, *flip)),
        st.tuples(places, st.binary(min_size=1, max_size=4)).map(
            lambda put: body[: put[0]] + put[1] + body[put[0] :]
        ),
        st.sampled_from([
            b"", b"{}", b"[]", b"null", b"\xff\xfe", b"\xef\xbb\xbf" + body, body + b"}",
            body * 2, body.decode().encode("utf-16"), body.decode().encode("utf-32"),
            b'{"model": "maya", ' + body[1:], b'{"messages": 5, "prompt": [], ' + body[1:],
            b"[" * 100_000, b'{"a":' * 50_000, b'{"n": 1' + b"0" * 5000 + b"}", b"\0" * 1000,
            body.replace(b'"', b"'"), body.replace(b":", b": -"), b'"' + b"\\u0000" * 999 + b'"',
        ]),
    )  # fmt: skip
    return bodies.map(lambda b: Attempt(attempt.route, attempt.headers, b, attempt.chunked))


def _flipped(body: bytes, at: int, bit: int) -> bytes:
    return body[:at] + bytes([body[at] ^ (1 << bit)]) + body[at + 1 :]


def main() -> None:
    from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest
    from vllm.entrypoints.openai.completion.protocol import CompletionRequest
    from vllm.entrypoints.serve.tokenize.protocol import (
        TokenizeChatRequest,
        TokenizeCompletionRequest,
    )

    models = {
        CHAT: [ChatCompletionRequest],
        COMPLETIONS: [CompletionRequest],
        TOKENIZE: [TokenizeChatRequest, TokenizeCompletionRequest],
    }
    print(json.dumps({r: [m.model_json_schema() for m in known] for r, known in models.items()}))


if __name__ == "__main__":
    main()
