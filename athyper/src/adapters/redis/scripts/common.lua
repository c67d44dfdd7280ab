-- What every operation on a queue shares. A queue is known by its base, `PREFIX:QUEUE:`; all of its keys begin with it.

local call = redis.call

local NEW_EVENTS = '10000'
local CLASS = 4294967296
local SLOTS = 4096
-- The error of a job that was cancelled.
local CANCELLED = 'cancelled'

-- What holds for the whole queue, read once an operation.
local function open(base)
  local meta = call('HMGET', base .. 'meta', 'paused', 'concurrency', 'max', 'duration', 'opts.maxLenEvents', 'ath:tenant:concurrency',
    'ath:tenant:max', 'ath:tenant:duration', 'ath:lifted')
  if not meta[5] then
    meta[5] = NEW_EVENTS
    call('HSET', base .. 'meta', 'opts.maxLenEvents', NEW_EVENTS)
  end
  return {
    base = base,
    paused = meta[1],
    cap = tonumber(meta[2]),
    max = tonumber(meta[3]),
    duration = tonumber(meta[4]),
    events = meta[5],
    -- The limits of each tenant, if there are any.
    tenant = (meta[6] or meta[8]) and { cap = tonumber(meta[6]), max = meta[8] and tonumber(meta[7]), duration = tonumber(meta[8]) },
    lifted = meta[9],
    stream = base .. 'events',
    front = {},
    -- What was held in this operation, and in which set.
    held = {},
  }
end

-- Tells those who listen. What they miss is not worth a job: `recover.lua` says what is wrong with their stream.
local function tell(queue, ...)
  redis.pcall('XADD', queue.stream, 'MAXLEN', '~', queue.events, '*', 'event', ...)
end

-- Wakes one worker: there may be work now.
local function wake(queue)
  if queue.paused or (queue.cap and call('LLEN', queue.base .. 'active') >= queue.cap) then return end
  redis.pcall('ZADD', queue.base .. 'marker', '0', '0')
end

-- When the earliest delayed job is due, in milliseconds.
local function next_due(queue)
  local first = call('ZRANGE', queue.base .. 'delayed', 0, 0, 'WITHSCORES')
  return first[2] and math.floor(tonumber(first[2]) / SLOTS)
end

local function wake_later(queue)
  local due = next_due(queue)
  if due then redis.pcall('ZADD', queue.base .. 'marker', due, '1') end
end

-- The turn of a job among those of its priority: after the last one of its tenant, and after those that were taken, which the
-- first that waits tells of too. BullMQ's counter stays behind no turn, so that its jobs get their place behind ours.
local function next_turn(queue, priority, share)
  local turns = queue.base .. 'ath:turns'
  local field = string.format('%.0f', priority) .. ':' .. share
  if not queue.turns then
    queue.turns = {}
    if call('ZCARD', queue.base .. 'prioritized') == 0 and call('EXISTS', queue.base .. 'ath:held') == 0 then call('DEL', turns) end
  end
  local first = queue.turns[priority]
  if not first then
    first = (tonumber(call('HGET', queue.base .. 'ath:turn', priority) or '0')) + 1
    local waiting = call('ZRANGEBYSCORE', queue.base .. 'prioritized', priority * CLASS, priority * CLASS + CLASS - 1, 'WITHSCORES', 'LIMIT', 0, 1)
    if waiting[2] then first = math.max(first, tonumber(waiting[2]) - priority * CLASS) end
    queue.turns[priority] = first
  end
  local turn = math.max(first, tonumber(call('HGET', turns, field) or '0') + 1)
  call('HSET', turns, field, turn)
  queue.counter = queue.counter or tonumber(call('GET', queue.base .. 'pc') or '0')
  if turn > queue.counter then
    queue.counter = turn
    call('SET', queue.base .. 'pc', turn)
  end
  return turn
end

-- The score of a job that joins the others of its priority: in its turn, or as the last one.
local function last_place(queue, priority, share)
  local place
  if share then
    place = next_turn(queue, priority, share)
  else
    place = call('INCR', queue.base .. 'pc')
    queue.counter = place
  end
  return priority * CLASS + place % CLASS
end

-- Makes a job ready, behind the others; one that is to go first, where there are no priorities, before them.
local function line_up(queue, id, priority, share, first)
  priority = tonumber(priority) or 0
  if priority > 0 then
    call('ZADD', queue.base .. 'prioritized', last_place(queue, priority, share), id)
  else
    call(first and 'RPUSH' or 'LPUSH', queue.base .. 'wait', id)
  end
end

-- Puts a job off until `due`, in milliseconds. Jobs of one millisecond keep their order.
local function put_off(queue, id, due)
  local first = due * SLOTS
  local last = call('ZREVRANGEBYSCORE', queue.base .. 'delayed', first + SLOTS - 1, first, 'WITHSCORES', 'LIMIT', 0, 1)
  local score = first
  if last[2] then score = math.min(tonumber(last[2]) + 1, first + SLOTS - 1) end
  call('ZADD', queue.base .. 'delayed', score, id)
end

local function tell_delayed(queue, id, due)
  tell(queue, 'delayed', 'jobId', id, 'delay', string.format('%.0f', due))
end

-- Makes ready what is due, at most a thousand jobs. Answers whether there may be more.
local function promote(queue, now)
  if queue.promoted then return false end
  local delayed = queue.base .. 'delayed'
  local due = call('ZRANGEBYSCORE', delayed, '-inf', (now + 1) * SLOTS - 1, 'LIMIT', 0, 1000)
  queue.promoted = #due < 1000
  if #due == 0 then return false end
  call('ZREM', delayed, unpack(due))
  for _, id in ipairs(due) do
    local key = queue.base .. id
    local fields = call('HMGET', key, 'priority', 'ath:parked', 'ath:share')
    if fields[1] then
      if fields[2] then
        call('HDEL', key, 'ath:parked')
        call('ZREM', queue.base .. 'ath:parked', id)
      end
      call('HSET', key, 'delay', '0')
      line_up(queue, id, fields[1], fields[3])
      tell(queue, 'waiting', 'jobId', id, 'prev', 'delayed')
    end
  end
  wake(queue)
  return #due == 1000
end

local function promote_all(queue, now)
  repeat until not promote(queue, now)
end
