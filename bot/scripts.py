"""The Lua of memory: what happens to one conversation at once, or not at all.

Every script takes the same keys, all of one hash tag:

    turns     hash   message id → turn as JSON          tokens    hash  message id → token count
    order     zset   message id → its place              answered  zset  message id → when
    claims    hash   message id → "deadline place token" floor     who is being answered now
    place     the last place given                       persona   the persona chosen here

A message's place is its order of arrival; its answer stands half a place behind it, so that a
window reads question, answer, question, answer, although questions arrive during answers.
"""

from __future__ import annotations

from .store import CLOCK

KEYS = ("turns", "order", "claims", "floor", "place", "persona", "answered", "tokens")

_NAMES = (
    CLOCK
    + """
local turns, order, claims, floor = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local place_key, persona, answered, tokens = KEYS[5], KEYS[6], KEYS[7], KEYS[8]

local function parse(claim)
  local deadline, place, token = string.match(claim, '^(%d+) (%S+) (%S+)$')
  return tonumber(deadline), tonumber(place), token
end

local function claim_of(id)
  local claim = redis.call('HGET', claims, id)
  if claim then return parse(claim) end
end

local function trim(keep)
  local excess = redis.call('ZCARD', order) - keep
  if excess <= 0 then return end
  local old = redis.call('ZRANGE', order, 0, excess - 1)
  redis.call('HDEL', turns, unpack(old))
  redis.call('HDEL', tokens, unpack(old))
  redis.call('ZREMRANGEBYRANK', order, 0, excess - 1)
end

local function keep_for(ttl)
  for _, key in ipairs({turns, order, claims, floor, answered, tokens}) do
    redis.call('PEXPIRE', key, ttl)
  end
  redis.call('PEXPIRE', place_key, ttl * 2)
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
  local reply = {'floor', redis.call('GET', persona) or ''}
  local window = redis.call('ZRANGEBYSCORE', order, '-inf', place)
  if #window > 0 then
    local said = redis.call('HMGET', turns, unpack(window))
    local counts = redis.call('HMGET', tokens, unpack(window))
    for i = 1, #window do
      reply[#reply + 1] = window[i]
      reply[#reply + 1] = said[i] or ''
      reply[#reply + 1] = counts[i] or ''
    end
  end
  return reply
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
  redis.call('HSET', turns, id, ARGV[6])
  redis.call('ZADD', order, place, id)
  trim(tonumber(ARGV[4]))
end
redis.call('HSET', claims, id, string.format('%d %d %s', now + lease, place, token))
local reply = take(id, place)
keep_for(ARGV[5])
table.insert(reply, 1, again)
return reply
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
#       answer's id, answer's turn ('' for none), then pairs of message id and token count
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
  redis.call('HDEL', turns, id)
  redis.call('ZREM', order, id)
elseif ARGV[8] ~= '' and redis.call('HEXISTS', turns, id) == 1 then
  redis.call('HSET', turns, ARGV[7], ARGV[8])
  redis.call('ZADD', order, place + 0.5, ARGV[7])
  trim(tonumber(ARGV[3]))
end
for i = 9, #ARGV, 2 do
  if redis.call('HEXISTS', turns, ARGV[i]) == 1 then
    redis.call('HSET', tokens, ARGV[i], ARGV[i + 1])
  end
end
keep_for(ARGV[4])
return 1
"""
)

FORGET = "return redis.call('DEL', KEYS[1], KEYS[2], KEYS[8])"

# ARGV: persona
CHOOSE = "redis.call('SET', KEYS[6], ARGV[1]) return 1"

CHOSEN = "return redis.call('GET', KEYS[6])"
