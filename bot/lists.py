"""Lists of ids that somebody chose for a place: their shape, their bound, how one is changed.

Knows a field of a hash in Redis, and no place.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

ENTRIES_MAX = 200


def _listed(value: Any) -> Any:
    """Redis holds a list as JSON."""
    return json.loads(value) if isinstance(value, str) else value


Entries = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=64)], ...],
    BeforeValidator(_listed),
    Field(max_length=ENTRIES_MAX),
]
"""Ids in the order in which they were chosen ("discord:42", "discord:role:5")."""

# KEYS: the hash; ARGV: the list's field, the entry, '1' if it is to be on it, how many there may be
ENLIST = """
local before = redis.call('HGET', KEYS[1], ARGV[1])
local readable, list = pcall(cjson.decode, before or '[]')
local kept, room = {}, tonumber(ARGV[4])
for _, one in ipairs(readable and type(list) == 'table' and list or {}) do
  if one ~= ARGV[2] then kept[#kept + 1] = one end
end
if ARGV[3] == '1' and #kept < room then kept[#kept + 1] = ARGV[2] end
if #kept == 0 then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(kept))
end
"""
"""Several at once change one list without losing each other's entries."""
