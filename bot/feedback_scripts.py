"""The Lua of feedback: opinions stay one with their order, their people and their tallies.

Every script takes the same keys, all of one hash tag, and the same two bounds first:

    opinions  hash   opinion's id → it as JSON     people   zset  digest of a person and opinion's
    order     zset   opinion's id → its microsecond               id, in lexical order
    tallies   hash   [persona, version, verdict] → how many

`people` has an entry for everybody who gave an opinion or said something that it holds.
"""

from __future__ import annotations

from .store import CLOCK

KEYS = ("opinions", "order", "people", "tallies")

# ARGV: ttl ms, opinions kept, then each script's own
_NAMES = (
    CLOCK
    + """
local opinions, order, people, tallies = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local ttl, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local now_us = time[1] * 1000000 + time[2]

local function get(id)
  local stored = redis.call('HGET', opinions, id)
  return stored and cjson.decode(stored)
end

-- Everybody whose words are in it, as entries of `people`.
local function entries(id, opinion)
  local found = {redis.sha1hex(opinion.author) .. id}
  for _, turns in ipairs({opinion.context, opinion.question}) do
    for _, turn in ipairs(turns) do found[#found + 1] = redis.sha1hex(turn[1]) .. id end
  end
  return found
end

local function tally(opinion, by)
  local name = cjson.encode({opinion.persona, opinion.version, opinion.verdict})
  if redis.call('HINCRBY', tallies, name, by) <= 0 then redis.call('HDEL', tallies, name) end
end

local function put(id, opinion)
  redis.call('HSET', opinions, id, cjson.encode(opinion))
  for _, entry in ipairs(entries(id, opinion)) do redis.call('ZADD', people, 0, entry) end
end

local function drop(id)
  local opinion = get(id)
  if not opinion then return 0 end
  redis.call('HDEL', opinions, id)
  redis.call('ZREM', order, id)
  redis.call('ZREM', people, unpack(entries(id, opinion)))
  tally(opinion, -1)
  return 1
end

local function about(author)
  local digest, found = redis.sha1hex(author), {}
  local first, last = '[' .. digest, '[' .. digest .. '~'
  for _, entry in ipairs(redis.call('ZRANGEBYLEX', people, first, last)) do
    found[#found + 1] = string.sub(entry, #digest + 1)
  end
  return found
end

local outlived = redis.call('ZRANGEBYSCORE', order, '-inf', now_us - ttl * 1000)
for _, id in ipairs(outlived) do drop(id) end
"""
)

# ARGV: id, the opinion
GIVE = (
    _NAMES
    + """
local id, opinion = ARGV[3], cjson.decode(ARGV[4])
drop(id)
opinion.at = math.floor(now / 1000)
put(id, opinion)
tally(opinion, 1)
redis.call('ZADD', order, now_us, id)
for _, old in ipairs(redis.call('ZRANGE', order, 0, -(most + 1))) do drop(old) end
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ttl) end
return 1
"""
)

# ARGV: id
TAKE_BACK = _NAMES + "return drop(ARGV[3])"

COUNTS = _NAMES + "return redis.call('HGETALL', tallies)"

# ARGV: author's id
ABOUT = (
    _NAMES
    + """
local found = {}
for _, id in ipairs(about(ARGV[3])) do found[#found + 1] = redis.call('HGET', opinions, id) end
return found
"""
)

# ARGV: author's id
FORGET = (
    _NAMES
    + """
local author, given = ARGV[3], 0
local function without(turns)
  local others = {}
  for _, turn in ipairs(turns) do
    if turn[1] ~= author then others[#others + 1] = turn end
  end
  return others
end
for _, id in ipairs(about(author)) do
  local opinion = get(id)
  if opinion.author == author then
    given = given + drop(id)
  else
    redis.call('ZREM', people, redis.sha1hex(author) .. id)
    opinion.context, opinion.question = without(opinion.context), without(opinion.question)
    put(id, opinion)
  end
end
return given
"""
)

IDS = _NAMES + "return redis.call('ZRANGE', order, 0, -1)"

# ARGV: ids
GET = _NAMES + "return redis.call('HMGET', opinions, unpack(ARGV, 3))"
