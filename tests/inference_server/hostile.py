"""Values that have broken servers: the pool from which the fuzz run draws."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

MARKER = "Rosalind7f3"
"""Part of what is sent, to be looked for in the server's log."""
URL = "URL_NOBODY_ASKS/x"
SURROGATE = "\ud800"
HUGE = 10**30


def nested(depth: int, inner: Any = 1) -> Any:
    for level in range(depth):
        inner = [inner] if level % 2 else {"a": inner}
    return inner


def _tree(depth: int) -> dict[str, Any]:
    """A schema that doubles at each level."""
    if not depth:
        return {"type": "string"}
    return {"type": "object", "properties": {"a": _tree(depth - 1), "b": _tree(depth - 1)}}


INTEGERS = st.one_of(
    st.integers(-3, 9),
    st.sampled_from(
        [2**31 - 1, 2**31, -(2**31) - 1, 2**53, 2**63 - 1, 2**63, -(2**63), 2**64, HUGE, -HUGE,
         1023, 1024, 1025, 6143, 6144, 16384]
    ),
)  # fmt: skip
NUMBERS = st.one_of(
    INTEGERS,
    st.floats(),
    st.sampled_from([0.5, 1.0, 1e-300, 1e300, -1e308, float("nan"), float("inf"), -0.0, 1e19]),
)
TEXTS = st.one_of(
    st.text(max_size=8),
    st.sampled_from([
        "", " ", MARKER, "maya", "maya@2", "../../etc/passwd", "\0", "\n\nINJECTED " + MARKER,
        SURROGATE, "a\udfffb", "<|end|><|system|>", "<|end|>" * 300, "\u202e\u2066\ufeff",
        "\U0001f600" * 50,
        "x" * 5000, "{{ 7*7 }}{% for i in range(10**9) %}x{% endfor %}", "%s%n{0}", "NaN", "5",
        "9" * 40, "null", "aaaa", "[" * 3000, URL, "file:///etc/hostname",
        "data:image/png;base64,AA",
    ]),
)  # fmt: skip
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
BIG: list[Any] = [
    nested(50), nested(95), nested(300), nested(900), [0] * 20_000, ["a"] * 5000, [[1]] * 2000,
    {str(i): i for i in range(5000)}, "y" * 300_000, [None] * 1000, {"": {"": {"": []}}},
]  # fmt: skip
ANYTHING = st.one_of(TREES, TREES, TREES, st.sampled_from(BIG))

PATTERNS = [
    "a+", "(", "(a+)+$", r"\p{L}+", "(?=a)b", r"(?<n>a)\k<n>", "", "\0", SURROGATE, "[\\ud800]",
    "a{1000}", "a{99999999999}", "a{5,2}", "(a{1,100}){1,100}", "((a{1,50}){1,50}){1,50}",
    "(" * 200 + ")" * 200, "a?" * 200, "a?" * 5000, ".*" * 100, "(.*a){20}", MARKER + "(?P<",
    "|".join(f"w{i}" for i in range(2000)), "\\", "[^\\s\\S]", r"\b\B^$", "[z-a]",
]  # fmt: skip
SCHEMAS: list[Any] = [
    {}, True, 5, "", "notjson", MARKER, "{}", {"type": MARKER}, {"$ref": "#"}, {"$ref": "#/nope"},
    {"$ref": URL}, {"$ref": "file:///etc/hostname"}, {"type": "object", "properties": 5},
    {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
    {"type": "string", "maxLength": 10**9}, {"type": "string", "minLength": 10**6},
    {"type": "string", "maxLength": -1}, {"type": "array", "minItems": 10**6},
    {"type": "array", "maxItems": 10**9, "items": {"type": "string", "maxLength": 500}},
    {"type": "integer", "minimum": -HUGE, "maximum": HUGE}, {"type": "number", "multipleOf": 0},
    {"type": "object", "minProperties": 10**6}, {"enum": []}, {"enum": [MARKER, None, {}]},
    {"enum": [f"value {i}" for i in range(5000)]}, {"const": SURROGATE}, {"anyOf": []},
    {"allOf": [{"type": "string"}, {"type": "integer"}]}, {"not": {}}, {"oneOf": [{}] * 300},
    {"type": "object", "patternProperties": {"^(a+)+$": {}}}, {"type": ["string", "null"]},
    {"type": "object", "properties": {"\0": {}, "": {}, MARKER: {}}, "required": ["zzz"]},
    {"type": "object", "properties": {f"p{i}": {"type": "string"} for i in range(600)}},
    _tree(6), _tree(9), _tree(12), nested(70), nested(300),
    *({"type": "string", "pattern": pattern} for pattern in PATTERNS),
    *({"type": "string", "format": form} for form in ("email", "date-time", "ipv6", MARKER)),
]  # fmt: skip
GRAMMARS = [
    'root ::= "a"', "root ::= root", 'root ::= root root | ""', "", "x", 'start: "a"', "root ::= a",
    'root ::= "' + MARKER, 'root ::= "a" root | ' * 500 + '"a"', f'root ::= "{SURROGATE}"',
    "root ::= " + "(" * 3000 + '"a"' + ")" * 3000, "root ::= [a-z]{1,100000}",
]  # fmt: skip
TAGS: list[Any] = [
    "{}", "x", MARKER, '{"type":"structural_tag","format":{"type":"any_text"}}',
    '{"type":"structural_tag","format":{"type":"json_schema","json_schema":{"$ref":"#"}}}',
    '{"structures":[{"begin":"a","schema":{},"end":"b"}],"triggers":["a"]}', "[" * 3000,
]  # fmt: skip
FORMATS: list[Any] = [
    *({"type": "json_schema", "json_schema": {"name": "x", "schema": s}} for s in SCHEMAS),
    *({"type": kind} for kind in ("json_object", "text", "structural_tag", "json_schema", 5, [])),
    {"type": "structural_tag", "structures": [], "triggers": []}, "json_object", 5, [],
    {"type": "structural_tag", "structures": [{"begin": "a", "schema": {}, "end": "b"}],
     "triggers": ["a", "", MARKER]}, {"type": "structural_tag", "format": {"type": MARKER}},
    {"type": "json_schema", "json_schema": 5},
]  # fmt: skip
CONSTRAINTS: list[Any] = [
    *({"json": schema} for schema in SCHEMAS), *({"regex": pattern} for pattern in PATTERNS),
    *({"grammar": grammar} for grammar in GRAMMARS), *({"structural_tag": tag} for tag in TAGS),
    {"choice": []}, {"choice": [""]}, {"choice": [MARKER, '"\\\n', SURROGATE]},
    {"json_object": True},
    {"choice": [f"w{i}" for i in range(9000)]}, {"choice": ["a" * 30_000]}, {"json_object": False},
    {"json": {}, "regex": "a"}, {"whitespace_pattern": "("}, {"json": {},
    "whitespace_pattern": "("},
    {}, 5, True, MARKER, [],
]  # fmt: skip
PARTS: list[Any] = [
    {"type": "text"}, {"type": "text", "text": 5}, {"type": MARKER}, {}, None, 3, MARKER,
    {"type": "image_url", "image_url": {"url": URL}}, {"type": "image_url", "image_url": URL},
    {"type": "image_url", "image_url": {"url": "file:///etc/hostname"}},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
    {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    {"type": "audio_url", "audio_url": {"url": URL}}, {"type": "video_url",
    "video_url": {"url": URL}},
    {"type": "image_embeds", "image_embeds": "AAAA"}, {"type": "prompt_embeds",
    "prompt_embeds": "AA"},
    {"type": "file", "file": {"file_id": URL}}, {"type": "refusal", "refusal": MARKER},
    {"image_url": URL}, {"image_pil": "x"}, {"type": "thinking", "thinking": MARKER},
]  # fmt: skip


def _called(arguments: Any) -> dict[str, Any]:
    function = {"name": "f", "arguments": arguments}
    return {
        "role": "assistant",
        "tool_calls": [{"id": "1", "type": "function", "function": function}],
    }


MESSAGES: list[Any] = [
    *([{"role": role, "content": [part]}] for role in ("user", "system") for part in PARTS),
    *([{"role": role, "content": MARKER}] for role in ("tool", "function", "developer", "", 5,
    ["a"])),
    *([{"role": "user", "content": text}] for text in (None, 5, {}, [], SURROGATE, "\0",
    "z" * 10**6)),
    *([_called(a)] for a in ("notjson", "[1]", 5, None, {"a": 1}, "[" * 4000, "1e999", SURROGATE)),
    *([{"role": "assistant", "content": "x", "tool_calls": c}] for c in (5, [5], [{}], {"a": 1},
    "ab")),
    *([{"role": "user", "content": "x"}] * n for n in (0, 1000, 10_000)), "hi", {}, [None], [[]],
    [{"role": "user", "content": "x", "name": SURROGATE, "reasoning_content": {"a": 2}}],
    [{}] * 999,
    [{"role": "assistant", "content": None}], [{"role": "user", "content": "", MARKER: nested(90)}],
]  # fmt: skip
PROMPTS: list[Any] = [
    [], [[]], [[1], []], "", [""], None, [0], [6143], [6144], [2**31], [2**63], [-1], [True], [1.5],
    [[1], "a"], [1, "a"], [1] * 1023, [1] * 1024, [1] * 50_000, ["a"] * 20, ["a"] * 3000, [[[1]]],
    {"prompt_token_ids": [1]}, [{"prompt": MARKER}], SURROGATE, "\0", "hello " * 170_000, 5, True,
]  # fmt: skip
_FUNCTION = {"name": "f", "description": MARKER, "parameters": {"type": "object"}}
TOOLS: list[Any] = [
    [{"type": "function", "function": _FUNCTION}], [], [{}], [5], MARKER, {}, [None],
    [{"type": "function", "function": {}}], [{"function": {"name": SURROGATE}}], [{"function": 5}],
    [{"function": {"name": "f", "parameters": 5}}], [{"function": {"name": ["f"]}}],
    [{"type": "function", "function": {**_FUNCTION, "strict": True, "parameters": {"$ref": "#"}}}],
]  # fmt: skip
CHOICES: list[Any] = [
    "none", "auto", "required", MARKER, 5, {}, {"type": "function"}, {"function": {"name": []}},
    {"type": "function", "function": {"name": "f"}}, {"type": "function", "function": {"name": ""}},
]  # fmt: skip
TOKEN_IDS: list[Any] = [
    [],
    [-1],
    [0],
    [6143],
    [6144],
    [HUGE],
    ["a"],
    [None],
    list(range(6144)),
    "x",
]
BY_FIELD: dict[str, list[Any]] = {
    "messages": MESSAGES, "prompt": PROMPTS, "tools": TOOLS, "tool_choice": CHOICES,
    "response_format": FORMATS, "structured_outputs": CONSTRAINTS,
    "stop_token_ids": TOKEN_IDS, "allowed_token_ids": TOKEN_IDS, "logprob_token_ids": TOKEN_IDS,
    "logit_bias": [{"0": 1}, {"6144": 1}, {"-1": 1}, {"x": 1}, {"1": "NaN"}, {"1": float("nan")},
                   {str(HUGE): 1}, {" 1": 1}, {"1_0": 1}, {str(i): -100 for i in range(6144)}],
    "bad_words": [["a"], [""], [SURROGATE], ["\0"], [" "], ["w" * 50_000],
    [f"w{i}" for i in range(500)]],
    "stop": [[], [""], "", [SURROGATE], ["a"] * 5, ["w" * 200_000], [None], " "],
    "n": [0, -1, 2, 17, 10**5, 16384, "2", "16384", 2.0, True, HUGE, 1e30],
    "length_penalty": [0, -1e308, 1e308, float("nan"), 400, -400],
    "prompt_embeds": ["AAAA", ["AAAA"], [], "gASVAAAA", URL],
    "chat_template": ["{{ messages }}", "{{", "{% for i in range(10**9) %}x{% endfor %}", MARKER],
    "chat_template_kwargs": [{"chat_template": "{{ 1 }}"}, {"tokenize": True}, {"messages": []},
                             {"tools": [1]}, {"return_tensors": "pt"}, {"tokenizer": MARKER}],
    "kv_transfer_params": [{"prompt_token_ids": [1, 2]}, {"prompt_token_ids": [10**6]},
                           {"do_remote_prefill": True, "remote_host": URL},
                           {"do_remote_decode": True}],
    "vllm_xargs": [{"a": 2**70}, {"session_id": SURROGATE}, {"a": [1] * 9999},
    {"kv_transfer_params": 5}],
    "repetition_detection": [{"max_pattern_size": 10**9, "min_count": 2}, {"min_pattern_size": -1}],
    "stream_options": [{"include_usage": True}, {"continuous_usage_stats": True}, [], 5, {"a": 1}],
    "request_id": ["", "a\nINJECTED " + MARKER, SURROGATE, "r" * 10**5, "same"],
    "cache_salt": ["", "a", "s" * 2000, SURROGATE, "@/\\\0"],
    "model": ["maya@2", "maya@9", "mayo", "", None, 5, [], {}, "../maya", "m" * 10**4,
    SURROGATE, "maya\0"],
    "media_io_kwargs": [{"image": {"a": 1}}, {"video": {"num_frames": -1}}],
}  # fmt: skip

_ODD_HEADERS = st.sampled_from([
    ("X-Request-Id", "same"), ("X-Request-Id", MARKER * 900), ("X-Request-Id", "a\tb"),
    ("X-data-parallel-rank", "99"), ("X-data-parallel-rank", "-1"), ("X-data-parallel-rank",
    "9" * 4000),
    ("X-Vllm-Priority", "-5"), ("X-Vllm-Priority", "9" * 4000), ("X-Session-ID", MARKER),
    ("traceparent", "00-" + "f" * 2000), ("Content-Encoding", "gzip"), ("Content-Type",
    "text/plain"),
    ("Content-Type", "application/json; charset=utf-16"), ("Content-Type", "multipart/form-data"),
    ("Content-Type", ""), ("Accept", "image/png"), ("endpoint-load-metrics-format", MARKER),
    ("Expect", "100-continue"), ("X-Forwarded-For", "::1"), ("Range", "bytes=0-1"), ("Cookie",
    "a=" * 999),
    ("If-None-Match", "*"), ("Origin", "null"), ("X-HTTP-Method-Override", "DELETE"),
])  # fmt: skip
HEADERS = st.one_of(
    st.just(()),
    st.just(()),
    st.lists(_ODD_HEADERS, max_size=3, unique_by=lambda h: h[0]).map(tuple),
)
