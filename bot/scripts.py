"""The Lua of memory: what happens to one conversation at once, or not at all.

Every script takes the same keys, all of one hash tag:

    turns     hash   message id → turn as JSON          tokens    hash  message id → token count
    order     zset   message id → its place              answered  zset  message id → when
    claims    hash   message id → "deadline place token" floor     who is being answered now
    place     the last place given
    shown     zset   a platform's id of an answer → the answer's place
    reset     when what was said here was forgotten, in ms by the platform's clock

A message's place is its order of arrival; its answer stands half a place behind it, so that a
window reads question, answer, question, answer, although questions arrive during answers.

A turn is a JSON list: author's id, author's name, text, version or null, and the second when it
was stored. The last two are missing from turns that an older bot stored.
"""

from __future__ import annotations

from .store import CLOCK

KEYS = ("turns", "order", "claims", "floor", "place", "answered", "tokens", "shown", "reset")

_NAMES = (
    CLOCK
    + """
local turns, order, claims, floor = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local place_key, answered, tokens, shown = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local reset = KEYS[9]

local function parse(claim)
  local deadline, place, token = string.match(claim, '^(%d+) (%S+) (%S+)$')
  return tonumber(deadline), tonumber(place), token
end

local function claim_of(id)
  local claim = redis.call('HGET', claims, id)
  if claim then return parse(claim) end
end

local function store(id, place, turn)
  local timed = string.format('%s,%d]', string.sub(turn, 1, -2), math.floor(now / 1000))
  redis.call('HSET', turns, id, timed)
  redis.call('ZADD', order, place, id)
end

local function drop(id)
  local place = redis.call('ZSCORE', order, id)
  if place then redis.call('ZREMRANGEBYSCORE', shown, place, place) end
  redis.call('HDEL', tokens, id)
  redis.call('ZREM', order, id)
  return redis.call('HDEL', turns, id)
end

-- However lively a place is, no turn outlives the ttl for long: an author's trace, by which it
-- would be found (people.py), ends, too.
local function outlived(id, ttl)
  local turn = redis.call('HGET', turns, id) or ''
  local at = string.match(string.sub(turn, -16), ',(%d+)%]$')
  return at and now - at * 1000 > ttl
end

local function trim(keep, ttl)
  local excess = redis.call('ZCARD', order) - keep
  while true do
    local oldest = redis.call('ZRANGE', order, 0, 0)[1]
    if not oldest or excess <= 0 and not outlived(oldest, ttl) then return end
    drop(oldest)
    excess = excess - 1
  end
end

local function keep_for(ttl)
  for _, key in ipairs({turns, order, claims, floor, answered, tokens, shown}) do
    redis.call('PEXPIRE', key, ttl)
  end
  redis.call('PEXPIRE', place_key, ttl * 2)
end

-- Adds id, turn and token count of each to the reply.
local function add(reply, ids)
  if #ids == 0 then return reply end
  local said = redis.call('HMGET', turns, unpack(ids))
  local counts = redis.call('HMGET', tokens, unpack(ids))
  for i = 1, #ids do
    reply[#reply + 1] = ids[i]
    reply[#reply + 1] = said[i] or ''
    reply[#reply + 1] = counts[i] or ''
  end
  return reply
end
"""
)

_TAKE = """
-- The floor is free when nobody with a live claim holds it or has been waiting for longer.
local function take(id, place)
  local holder = redis.call('GET', floor)
  local all = redis.call('HGETALL', claims)
  for i = 1, #all, 2 do
    local deadline, other = parse(all[i + 1])
    local ahead = all[i] == holder or other < place
    if all[i] ~= id and deadline > now and ahead then return {'wait'} end
  end
  redis.call('SET', floor, id)
  local reset_at = redis.call('GET', reset) or '0'
  return add({'floor', reset_at}, redis.call('ZRANGEBYSCORE', order, '-inf', place))
end
"""

# ARGV: id, token, lease ms, turns kept, ttl ms, the turn
CLAIM = (
    _NAMES
    + _TAKE
    + """
local id, token, lease = ARGV[1], ARGV[2], tonumber(ARGV[3])
if redis.call('ZSCORE', answered, id) then return {'duplicate'} end
local deadline, place, owner = claim_of(id)
if deadline and deadline > now and owner ~= token then return {'duplicate'} end
local again = deadline and 'again' or 'new'
if not place then
  place = redis.call('INCR', place_key)
  store(id, place, ARGV[6])
  trim(tonumber(ARGV[4]), tonumber(ARGV[5]))
end
redis.call('HSET', claims, id, string.format('%d %d %s', now + lease, place, token))
local reply = take(id, place)
keep_for(ARGV[5])
table.insert(reply, 1, again)
return reply
"""
)

# ARGV: ids; for each -1 where it was answered, 0 where nobody ever claimed it, else for how many
#       milliseconds its claim holds, 1 where it ran out
UNANSWERED = (
    _NAMES
    + """
local states = {}
for i, id in ipairs(ARGV) do
  local deadline = claim_of(id)
  if redis.call('ZSCORE', answered, id) then
    states[i] = -1
  else
    states[i] = deadline and math.max(deadline - now, 1) or 0
  end
end
return states
"""
)

# ARGV: id, token
TAKE = (
    _NAMES
    + _TAKE
    + """
local deadline, place, owner = claim_of(ARGV[1])
if owner ~= ARGV[2] then return {'lost'} end
return take(ARGV[1], place)
"""
)

# ARGV: id, token, lease ms
RENEW = (
    _NAMES
    + """
local deadline, place, owner = claim_of(ARGV[1])
if owner ~= ARGV[2] then return 0 end
local renewed = string.format('%d %d %s', now + ARGV[3], place, owner)
redis.call('HSET', claims, ARGV[1], renewed)
return 1
"""
)

# ARGV: id, token, turns kept, ttl ms, ids kept as answered, forget the question (1/0),
#       answer's id, answer's turn ('' for none), how many platform ids it is shown under, these,
#       then pairs of message id and token count
FINISH = (
    _NAMES
    + """
local id = ARGV[1]
local deadline, place, owner = claim_of(id)
if owner ~= ARGV[2] then return 0 end
redis.call('HDEL', claims, id)
if redis.call('GET', floor) == id then redis.call('DEL', floor) end
redis.call('ZADD', answered, now, id)
redis.call('ZREMRANGEBYRANK', answered, 0, -(ARGV[5] + 1))
if ARGV[6] == '1' then
  drop(id)
elseif ARGV[8] ~= '' and redis.call('HEXISTS', turns, id) == 1 then
  store(ARGV[7], place + 0.5, ARGV[8])
  for i = 10, 9 + ARGV[9] do redis.call('ZADD', shown, place + 0.5, ARGV[i]) end
  trim(tonumber(ARGV[3]), tonumber(ARGV[4]))
end
for i = 10 + ARGV[9], #ARGV, 2 do
  if redis.call('HEXISTS', turns, ARGV[i]) == 1 then
    redis.call('HSET', tokens, ARGV[i], ARGV[i + 1])
  end
end
keep_for(ARGV[4])
return 1
"""
)

_FIND = (
    _NAMES
    + """
-- A turn's id, by its own or by one under which a platform shows it.
local function turn_of(id)
  if redis.call('HEXISTS', turns, id) == 1 then return id end
  local place = redis.call('ZSCORE', shown, id)
  return place and redis.call('ZRANGEBYSCORE', order, place, place)[1]
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
    _FIND
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
    _FIND
    + """
local gone = 0
for _, name in ipairs(ARGV) do
  local id = turn_of(name)
  if id then gone = gone + drop(id) end
end
return gone
"""
)

# ARGV: an id; what was said up to the answer, which is last, and the id of its question
ANSWERED = (
    _FIND
    + """
local id = turn_of(ARGV[1])
local place = id and tonumber(redis.call('ZSCORE', order, id))
if not place or place == math.floor(place) then return {} end
local question = redis.call('ZRANGEBYSCORE', order, place - 0.5, place - 0.5)[1]
return add({question or ''}, redis.call('ZRANGEBYSCORE', order, '-inf', place))
"""
)

# ARGV: author's id
SAID_BY = _FIND + "return add({}, of_author(ARGV[1]))"

# ARGV: author's id
FORGET_AUTHOR = (
    _FIND
    + """
local gone = 0
for _, id in ipairs(of_author(ARGV[1])) do gone = gone + drop(id) end
return gone
"""
)

# ARGV: when, ttl ms
FORGET = """
redis.call('SET', KEYS[9], ARGV[1], 'PX', ARGV[2])
return redis.call('DEL', KEYS[1], KEYS[2], KEYS[7], KEYS[8])
"""
