-- Handing out jobs. Needs common.lua, places.lua, limiting.lua and finishing.lua.
--
-- A request has the time as a number and as the text that is stored of it (`stamp`): a number is formatted for each command anew.

-- How many jobs the queue's own limits let go, at most `wanted`.
local function allowance(queue, wanted)
  if queue.paused then return 0 end
  if queue.cap then wanted = math.min(wanted, queue.cap - call('LLEN', queue.base .. 'active')) end
  if queue.max and queue.duration and wanted > 0 then
    local limiter = queue.base .. 'limiter'
    local count = tonumber(call('GET', limiter) or '0')
    if count >= queue.max then
      if call('PTTL', limiter) > 0 then return 0 end
      call('DEL', limiter)
      count = 0
    end
    wanted = math.min(wanted, queue.max - count)
  end
  return math.max(wanted, 0)
end

local function count_limited(queue, taken)
  if queue.max and queue.duration and taken > 0 then
    local limiter = queue.base .. 'limiter'
    if call('INCRBY', limiter, taken) == taken then call('PEXPIRE', limiter, queue.duration) end
  end
end

-- The first ready jobs: ids, and the place each had (nothing for those of the list).
local function pop(queue, count)
  local listed = call('RPOP', queue.base .. 'wait', count)
  if not listed then listed = {} end
  for _, id in ipairs(listed) do queue.popped[#queue.popped + 1] = { id } end
  local places = {}
  local left = count - #listed
  if left > 0 then
    local sorted = call('ZPOPMIN', queue.base .. 'prioritized', left)
    for index = 1, #sorted, 2 do
      listed[#listed + 1] = sorted[index]
      places[#listed] = sorted[index + 1]
      queue.popped[#queue.popped + 1] = { sorted[index], sorted[index + 1] }
    end
  end
  return listed, places
end

local WANTED = {
  'name', 'data', 'opts', 'timestamp', 'atm', 'ats', 'ath:v', 'ath:ctx', 'ath:due', 'priority', 'ath:serial', 'defa', 'rjk', 'stc', 'deid',
  'parentKey', 'ath:share', 'ath:checkpoint', 'ath:children',
}

-- Takes a job into somebody's hands. Answers with what they need, or nothing if it is not theirs.
local function hand_out(queue, id, place, request)
  local key = queue.base .. id
  local fields = redis.pcall('HMGET', key, unpack(WANTED))
  if fields.err then
    -- Somebody else has taken its key. It is counted, and in nobody's way.
    call('ZADD', queue.base .. 'failed', request.now, id)
    tell(queue, 'failed', 'jobId', id, 'failedReason', 'the key of the job holds something else than a job', 'prev', 'waiting')
    return nil
  end
  if not (fields[1] or fields[2] or fields[3] or fields[6]) then return nil end
  local opts, priority, serial, scheduler, stalls = fields[3], fields[10], fields[11], fields[13], fields[14]
  local checkpoint = fields[18]
  local special = serial or scheduler or stalls or fields[12] or fields[15] or fields[16] or fields[19] or not opts or not fields[8]
  local share, started = fields[17], (tonumber(fields[6]) or 0) + 1
  local limited = queue.tenant and share and not fields[12]
  if limited and not has_room(queue, share, request.now) then
    hold_back(queue, id, place, share)
    return nil
  end
  if serial then
    local holder = call('HGET', queue.base .. 'ath:serial', serial)
    if holder and holder ~= id then
      hold(queue, id, place, 'ath:held:' .. serial)
      -- The room of its tenant is another one's.
      if limited then free_held(queue, beyond(share), 1) end
      return nil
    end
    call('HSET', queue.base .. 'ath:serial', serial, id)
  end
  if share and place and priority then queue.taken[priority] = math.max(queue.taken[priority] or 0, tonumber(place) % CLASS) end
  if fields[12] then
    -- It was condemned while nobody held it: it fails in the hands of whoever takes it.
    call('HSET', key, 'ats', started, 'processedOn', request.stamp, 'pb', request.worker)
    tell(queue, 'active', 'jobId', id, 'prev', 'waiting')
    local job = read_job(queue, id)
    job.attempts_made = job.attempts_made + 1
    local concluded = pcall(conclude, queue, job, 'failed', fields[12], stacked(job, cjson.encode(fields[12])), request.now)
    -- A key of its family holds something else: it has failed all the same, and is in nobody's way.
    if not concluded then call('ZADD', queue.base .. 'failed', request.now, id) end
    end_serial(queue, id, serial)
    if queue.tenant and share then free_held(queue, beyond(share), 1) end
    return nil
  end
  if limited then
    if queue.tenant.cap then
      begin_tenant(queue, id, share)
      special = true
    end
    if queue.tenant.max then count_start(queue, share, request.now) end
  end
  call('HSET', key, 'ats', started, 'processedOn', request.stamp, 'pb', request.worker, 'ath:place', place or '')
  local lock = special and 'ath:' .. started or lock_of(started, fields[5] or '0', opts)
  call('SET', key .. ':lock', lock, 'PX', request.lock)
  tell(queue, 'active', 'jobId', id, 'prev', 'waiting')
  for index = 11, 19 do fields[index] = nil end
  fields[6] = tostring(started)
  fields[11], fields[12], fields[13], fields[14] = id, scheduler or '', stalls or '0', checkpoint
  return fields
end

-- Remembers which turns were taken.
local function note_turns(queue)
  for priority, turn in pairs(queue.taken) do
    local before = tonumber(call('HGET', queue.base .. 'ath:turn', priority) or '0')
    if turn > before then call('HSET', queue.base .. 'ath:turn', priority, turn) end
  end
end

local function take_ready(queue, request)
  promote(queue, request.now)
  queue.taken = {}
  if queue.lifted then free_lifted(queue) end
  if queue.tenant and queue.tenant.max then end_periods(queue, request.now) end
  settle_front(queue)
  local room = allowance(queue, request.max)
  local handed, active, passes = {}, {}, 0
  -- Jobs that wait for another of their serial key, or are beyond the limits of their tenant, are passed over, so many a call.
  while #handed < room and passes < 100 do
    local ids, places = pop(queue, room - #handed)
    if #ids == 0 then break end
    for index, id in ipairs(ids) do
      if string.sub(id, 1, 2) ~= '0:' then
        local fields = hand_out(queue, id, places[index], request)
        if fields then
          handed[#handed + 1] = fields
          active[#active + 1] = id
        end
      end
    end
    settle_front(queue)
    passes = passes + 1
  end
  count_limited(queue, #active)
  note_turns(queue)
  -- Whoever took wakes the next one, who finds out whether there is more.
  if #active > 0 or passes == 100 then redis.pcall('ZADD', queue.base .. 'marker', '0', '0') end
  if #active > 0 then call('LPUSH', queue.base .. 'active', unpack(active)) end
  return handed
end

-- Hands out ready jobs, at most `request.max`. Should a key hold what it should not, they are where they were.
local function take(queue, request)
  queue.popped = {}
  local taken, answer = pcall(take_ready, queue, request)
  if taken then return answer end
  pcall(settle_front, queue)
  for index = #queue.popped, 1, -1 do
    local id, place = unpack(queue.popped[index])
    redis.pcall('DEL', queue.base .. id .. ':lock')
    if queue.held[id] then
      redis.pcall('ZREM', queue.base .. queue.held[id], id)
      redis.pcall('ZREM', queue.base .. 'ath:held', id)
    end
    if place then redis.pcall('ZADD', queue.base .. 'prioritized', place, id) else redis.pcall('RPUSH', queue.base .. 'wait', id) end
  end
  error(answer)
end

-- For those who got nothing: when to look again, in milliseconds, or -1.
local function look_again(queue, handed, now)
  if #handed > 0 then return -1 end
  local at = next_due(queue) or math.huge
  if queue.max and queue.duration then
    local left = call('PTTL', queue.base .. 'limiter')
    if left > 0 then at = math.min(at, now + left) end
  end
  if queue.tenant and queue.tenant.max then
    local first = call('ZRANGE', queue.base .. 'ath:periods', 0, 0, 'WITHSCORES')
    if first[2] then at = math.min(at, tonumber(first[2])) end
  end
  return at < math.huge and at or -1
end
