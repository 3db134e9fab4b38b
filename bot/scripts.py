"""The Lua of memory: what happens to one conversation at once, or not at all.

Every script takes the same keys, all of one hash tag:

    turns     hash   message id → turn as JSON          tokens    hash  message id → token count
    order     zset   message id → its place              answered  zset  message id → when
    claims    hash   message id → "deadline place token" floor     who is being answered now
    place     the last place given
    shown     zset   a platform's id of an answer → the answer's place
    others    hash   a question's place → its answers as JSON, where it has more than one
    reset     when what was said here was forgotten, in ms by the platform's clock

A message's place is its order of arrival; its answer stands half a place behind it, so that a
window reads question, answer, question, answer, although questions arrive during answers. Of
several answers to a question one stands there, with its id; the others wait in `others`. A failure
without a word is shown under that place, too, so that its question is found again.

A turn is a JSON list: author's id, author's name, text, version or null, and the second when it
was stored. The last two are missing from turns that an older bot stored.
"""

from __future__ import annotations

from .store import CLOCK

ANSWERS_KEPT = 5
"""Of one question; the oldest goes first."""

KEYS = (
    "turns", "order", "claims", "floor", "place", "answered", "tokens", "shown", "others", "reset",
)  # fmt: skip

NAMES = (
    CLOCK
    + """
local turns, order, claims, floor = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local place_key, answered, tokens, shown = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local others, reset = KEYS[9], KEYS[10]

local function parse(claim)
  local deadline, place, token = string.match(claim, '^(%d+) (%S+) (%S+)$')
  return tonumber(deadline), tonumber(place), token
end

local function claim_of(id)
  local claim = redis.call('HGET', claims, id)
  if claim then return parse(claim) end
end

local function timed(turn, seconds)
  return string.format('%s,%d]', string.sub(turn, 1, -2), seconds)
end

local function store(id, place, turn)
  redis.call('HSET', turns, id, turn)
  redis.call('ZADD', order, place, id)
end

local function place_of(id)
  return tonumber(redis.call('ZSCORE', order, id) or nil)
end

local function at_place(place)
  return redis.call('ZRANGEBYSCORE', order, place, place)[1]
end

local function others_of(place)
  return string.format('%d', math.floor(place))
end

-- An answer's other versions go with it and with its question; what a platform shows goes with
-- the answer, or with the question that has none.
local function drop(id)
  local place = place_of(id)
  if place then
    redis.call('HDEL', others, others_of(place))
    if place == math.floor(place) and not at_place(place + 0.5) then place = place + 0.5 end
    redis.call('ZREMRANGEBYSCORE', shown, place, place)
  end
  redis.call('HDEL', tokens, id)
  redis.call('ZREM', order, id)
  return redis.call('HDEL', turns, id)
end

-- However lively a place is, no turn outlives the ttl for long: an author's trace, by which it
-- would be found (people.py), ends, too.
local function said_at(id)
  local turn = redis.call('HGET', turns, id) or ''
  return tonumber(string.match(string.sub(turn, -16), ',(%d+)%]$'))
end

local function outlived(id, ttl)
  local at = said_at(id)
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
  for _, key in ipairs({turns, order, claims, floor, answered, tokens, shown, others}) do
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
-- The floor is free when nobody with a live claim holds it or has been waiting for longer. What
-- was said up to the message is recalled, even if it waits anew, long after it came. Claims that
-- ran out a day ago are nobody's any more.
local function take(id, place, ttl)
  local holder = redis.call('GET', floor)
  local all = redis.call('HGETALL', claims)
  for i = 1, #all, 2 do
    local deadline, other = parse(all[i + 1])
    if all[i] ~= id then
      local ahead = all[i] == holder or other < place
      if deadline > now and ahead then return {'wait'} end
      if deadline < now - 86400000 then redis.call('HDEL', claims, all[i]) end
    end
  end
  redis.call('SET', floor, id, 'PX', ttl)
  local reset_at = redis.call('GET', reset) or '0'
  local before = redis.call('ZRANGEBYSCORE', order, '-inf', place_of(id) or place)
  return add({'floor', reset_at}, before)
end
"""

# ARGV: id, token, lease ms, turns kept, ttl ms, the turn
CLAIM = (
    NAMES
    + _TAKE
    + """
local id, token, lease = ARGV[1], ARGV[2], tonumber(ARGV[3])
if redis.call('ZSCORE', answered, id) then return {'duplicate'} end
local deadline, place, owner = claim_of(id)
if deadline and deadline > now and owner ~= token then return {'duplicate'} end
local again = deadline and 'again' or 'new'
if not place then
  place = redis.call('INCR', place_key)
  store(id, place, timed(ARGV[6], now / 1000))
  trim(tonumber(ARGV[4]), tonumber(ARGV[5]))
end
redis.call('HSET', claims, id, string.format('%d %d %s', now + lease, place, token))
local reply = take(id, place, ARGV[5])
keep_for(ARGV[5])
table.insert(reply, 1, again)
return reply
"""
)

# ARGV: ids; for each -1 where it was answered, 0 where nobody ever claimed it, else for how many
#       milliseconds its claim holds, 1 where it ran out
UNANSWERED = (
    NAMES
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

# ARGV: id, token, ttl ms
TAKE = (
    NAMES
    + _TAKE
    + """
local deadline, place, owner = claim_of(ARGV[1])
if owner ~= ARGV[2] then return {'lost'} end
return take(ARGV[1], place, ARGV[3])
"""
)

# ARGV: id, token, lease ms
RENEW = (
    NAMES
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
    NAMES
    + """
-- The answer of the question `id`; one that is there already becomes one of its others.
local function answer(id, place, answer_id, turn)
  local before, field = at_place(place), others_of(place)
  if before then
    local known = redis.call('HGET', others, field)
    local all = known and cjson.decode(known) or {{before, redis.call('HGET', turns, before)}}
    local new = true
    for _, one in ipairs(all) do new = new and one[1] ~= answer_id end
    if new then all[#all + 1] = {answer_id, turn} end
    if #all > """
    + str(ANSWERS_KEPT)
    + """ then table.remove(all, 1) end
    redis.call('HSET', others, field, cjson.encode(all))
    redis.call('HDEL', tokens, before)
    redis.call('ZREM', order, before)
    redis.call('HDEL', turns, before)
  end
  store(answer_id, place, turn)
end

local id = ARGV[1]
local _, _, owner = claim_of(id)
local place = place_of(id)
if owner ~= ARGV[2] then return 0 end
redis.call('HDEL', claims, id)
if redis.call('GET', floor) == id then redis.call('DEL', floor) end
redis.call('ZADD', answered, now, id)
redis.call('ZREMRANGEBYRANK', answered, 0, -(ARGV[5] + 1))
if ARGV[6] == '1' then
  drop(id)
elseif place then
  local said, ids = place + 0.5, tonumber(ARGV[9])
  if ids > 0 then redis.call('ZREMRANGEBYSCORE', shown, said, said) end
  for i = 10, 9 + ids do redis.call('ZADD', shown, said, ARGV[i]) end
  if ARGV[8] ~= '' then
    -- However late it is said anew, it is forgotten with its question.
    answer(id, said, ARGV[7], timed(ARGV[8], said_at(id) or now / 1000))
    trim(tonumber(ARGV[3]), tonumber(ARGV[4]))
  end
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
