"""The Lua of feedback: opinions stay one with their order, their people and their tallies.

Every script takes the same keys, all of one hash tag, and the same two bounds first:

    opinions  hash   opinion's id → it as JSON     people   zset  digest of a person, or of a
    order     zset   opinion's id → its microsecond               message, and opinion's id, in
    tallies   hash   [persona, version, verdict] → how many       lexical order

`people` has an entry for everybody who gave an opinion or said something that it holds, and for
each message that it holds.
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

local function named(conversation, message) return conversation .. ' ' .. message end

-- Everybody whose words are in it, and every message, as entries of `people`.
local function entries(id, opinion)
  local found = {redis.sha1hex(opinion.author) .. id}
  for _, turns in ipairs({opinion.context, opinion.question}) do
    for _, turn in ipairs(turns) do
      found[#found + 1] = redis.sha1hex(turn[1]) .. id
      found[#found + 1] = redis.sha1hex(named(opinion.conversation, turn[4])) .. id
    end
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

-- Puts only those turns back for which `keep` is true; how many others there were.
local function sift(id, opinion, keep)
  local gone = 0
  local function kept(turns)
    local rest = {}
    for _, turn in ipairs(turns) do
      if keep(turn) then rest[#rest + 1] = turn else gone = gone + 1 end
    end
    return rest
  end
  local before = entries(id, opinion)
  opinion.context, opinion.question = kept(opinion.context), kept(opinion.question)
  local after = {}
  for _, entry in ipairs(entries(id, opinion)) do after[entry] = true end
  put(id, opinion)
  for _, entry in ipairs(before) do
    if not after[entry] then redis.call('ZREM', people, entry) end
  end
  return gone
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

-- The opinions that hold words of a person, or a message.
local function about(whom)
  local digest, found = redis.sha1hex(whom), {}
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

# ARGV: author's id; how many opinions they had given, and their messages in others'
FORGET = (
    _NAMES
    + """
local author, given, quoted = ARGV[3], 0, 0
for _, id in ipairs(about(author)) do
  local opinion = get(id)
  if opinion.author == author then
    given = given + drop(id)
  else
    quoted = quoted + sift(id, opinion, function(turn) return turn[1] ~= author end)
  end
end
return {given, quoted}
"""
)

# ARGV: a conversation, then pairs of a message's id and what it says now, '' where it is gone
REVISE = (
    _NAMES
    + """
for i = 4, #ARGV, 2 do
  local message, text = ARGV[i], ARGV[i + 1]
  for _, id in ipairs(about(named(ARGV[3], message))) do
    sift(id, get(id), function(turn)
      if turn[4] ~= message then return true end
      turn[3] = text
      return text ~= ''
    end)
  end
end
return 1
"""
)

IDS = _NAMES + "return redis.call('ZRANGE', order, 0, -1)"

# ARGV: ids
GET = _NAMES + "return redis.call('HMGET', opinions, unpack(ARGV, 3))"
