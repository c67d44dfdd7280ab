-- Jobs that go back to their places, are held there, or are gone. Needs common.lua.

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
