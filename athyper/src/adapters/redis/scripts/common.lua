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
  redis.pcall('ZADD', queue.base .. 'marker', 0, '0')
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

-- Makes a job ready at the place it had. Of several from the list, those noted last come first.
local function put_back(queue, id, place)
  if place and place ~= '' then
    call('ZADD', queue.base .. 'prioritized', place, id)
  else
    table.insert(queue.front, id)
  end
end

local function settle_front(queue)
  for index = 1, #queue.front do call('RPUSH', queue.base .. 'wait', queue.front[index]) end
  queue.front = {}
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

-- Keeps a ready job from being handed out: in a set of those that wait for the same, and in that of all of them.
local function hold(queue, id, place, name)
  local score = place or call('INCR', queue.base .. 'ath:order')
  queue.held[id] = name
  call('ZADD', queue.base .. name, score, id)
  call('ZADD', queue.base .. 'ath:held', score, id)
end

-- The first jobs of those that are held may come. Answers how many there were.
local function free_held(queue, name, count)
  local first = call('ZPOPMIN', queue.base .. name, count)
  for index = #first - 1, 1, -2 do
    call('ZREM', queue.base .. 'ath:held', first[index])
    put_back(queue, first[index], tonumber(first[index + 1]) >= CLASS and first[index + 1] or '')
  end
  if first[1] then wake(queue) end
  return #first / 2
end

-- The next job of a serial key that is free may come.
local function free_serial(queue, serial) free_held(queue, 'ath:held:' .. serial, 1) end

-- A job with a serial key is in nobody's hands any more.
local function end_serial(queue, id, serial)
  if serial and call('HGET', queue.base .. 'ath:serial', serial) == id then
    call('HDEL', queue.base .. 'ath:serial', serial)
    free_serial(queue, serial)
  end
end

-- Lets whoever ends an active job look at it, and not only at what its lock tells.
local function look_at_end(queue, id)
  local key = queue.base .. id .. ':lock'
  local lock = string.match(call('GET', key) or '', '^ath:%d+')
  if lock then call('SET', key, lock, 'KEEPTTL') end
end

-- Everything that is stored of one job.
local function forget(queue, id)
  local key = queue.base .. id
  call('DEL', key, key .. ':lock', key .. ':logs', key .. ':dependencies', key .. ':processed', key .. ':failed', key .. ':unsuccessful')
end
