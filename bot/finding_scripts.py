"""The Lua of memory that finds turns, by an id or an author: to change, show or forget them.

The keys and their names are those of `scripts`.
"""

from __future__ import annotations

from .scripts import NAMES

FIND = (
    NAMES
    + """
-- A turn's id, by its own or by one under which a platform shows it.
local function turn_of(id)
  if redis.call('HEXISTS', turns, id) == 1 then return id end
  local place = redis.call('ZSCORE', shown, id)
  return place and at_place(place)
end

local function claimed(id)
  local deadline = claim_of(id)
  return deadline and deadline > now
end

local function of_author(author)
  local found = {}
  for _, id in ipairs(redis.call('ZRANGE', order, 0, -1)) do
    local said = redis.call('HGET', turns, id)
    if said and cjson.decode(said)[1] == author then found[#found + 1] = id end
  end
  return found
end
"""
)

# ARGV: an id, the new text
EDIT = (
    FIND
    + """
local id = turn_of(ARGV[1])
if not id then return 0 end
local turn = cjson.decode(redis.call('HGET', turns, id))
if turn[3] == ARGV[2] then return 1 end
turn[3] = ARGV[2]
redis.call('HSET', turns, id, cjson.encode(turn))
redis.call('HDEL', tokens, id)
return 1
"""
)

# ARGV: ids
DELETE = (
    FIND
    + """
-- Who answers anew deletes what is too much of the answer before: it stays until that is done.
local function said_anew(id)
  local place = place_of(id)
  local question = at_place(place - 0.5)
  return question and place ~= math.floor(place) and claimed(question)
end

local gone = 0
for _, name in ipairs(ARGV) do
  local id = turn_of(name)
  if id and id ~= name and said_anew(id) then
    redis.call('ZREM', shown, name)
  elseif id then
    gone = gone + drop(id)
  end
end
return gone
"""
)

# ARGV: an id; what was said up to the answer, which is last, and the id of its question
ANSWERED = (
    FIND
    + """
local id = turn_of(ARGV[1])
local place = id and tonumber(redis.call('ZSCORE', order, id))
if not place or place == math.floor(place) then return {} end
local question = redis.call('ZRANGEBYSCORE', order, place - 0.5, place - 0.5)[1]
return add({question or ''}, redis.call('ZRANGEBYSCORE', order, '-inf', place))
"""
)

# ARGV: a platform's id of an answer, or of a failure in its place; to claim its question anew also
#       token, lease ms, ttl ms
EXCHANGE = (
    FIND
    + """
local said = tonumber(redis.call('ZSCORE', shown, ARGV[1]) or nil)
local question = said and at_place(said - 0.5)
if not question then return {'gone'} end
if ARGV[2] then
  if claimed(question) then return {'busy'} end
  local claim = string.format('%d %d %s', now + ARGV[3], redis.call('INCR', place_key), ARGV[2])
  redis.call('HSET', claims, question, claim)
  keep_for(ARGV[4])
end
local current = at_place(said)
local known = redis.call('HGET', others, others_of(said))
local all = known and cjson.decode(known) or current and {{current}} or {}
local ids = redis.call('ZRANGEBYSCORE', shown, said, said)
local reply = add({'here', current or '', #ids}, {question})
for _, id in ipairs(ids) do reply[#reply + 1] = id end
for _, one in ipairs(all) do
  reply[#reply + 1] = one[1]
  reply[#reply + 1] = one[1] == current and redis.call('HGET', turns, current) or one[2]
end
return reply
"""
)

# ARGV: author's id
SAID_BY = FIND + "return add({}, of_author(ARGV[1]))"

# ARGV: author's id
FORGET_AUTHOR = (
    FIND
    + """
local gone = 0
for _, id in ipairs(of_author(ARGV[1])) do gone = gone + drop(id) end
return gone
"""
)

# ARGV: when, ttl ms
FORGET = """
redis.call('SET', KEYS[10], ARGV[1], 'PX', ARGV[2])
return redis.call('DEL', KEYS[1], KEYS[2], KEYS[7], KEYS[8], KEYS[9])
"""
