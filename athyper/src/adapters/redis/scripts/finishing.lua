-- Ending jobs. Needs common.lua and places.lua.

-- How long a finished job is kept: how many, and for how many milliseconds; nil for ever.
local function retention(opts, state)
  local read, options = pcall(cjson.decode, opts or '{}')
  if not read or type(options) ~= 'table' then return nil, nil end
  local keep
  if state == 'completed' then keep = options.removeOnComplete else keep = options.removeOnFail end
  if keep == true then return 0, nil end
  if type(keep) == 'number' then return keep, nil end
  if type(keep) ~= 'table' then return nil, nil end
  return tonumber(keep.count), tonumber(keep.age) and tonumber(keep.age) * 1000
end

local function drop_finished(queue, ids)
  if #ids == 0 then return end
  call('ZREM', queue.base .. 'completed', unpack(ids))
  call('ZREM', queue.base .. 'failed', unpack(ids))
  call('ZREM', queue.base .. 'ath:expiring', unpack(ids))
  for _, id in ipairs(ids) do forget(queue, id) end
end

-- Lets go of the oldest beyond what the job that ended last keeps.
local function trim(queue)
  if queue.trim then
    local finished = queue.base .. queue.trim.state
    local beyond = call('ZCARD', finished) - queue.trim.count
    while beyond > 0 do
      local ids = call('ZRANGE', finished, 0, math.min(beyond, 1000) - 1)
      drop_finished(queue, ids)
      beyond = beyond - 1000
      if #ids == 0 then break end
    end
    queue.trim = nil
  end
end

-- Lets go of what has been kept long enough.
local function expire(queue, now)
  drop_finished(queue, call('ZRANGEBYSCORE', queue.base .. 'ath:expiring', '-inf', now, 'LIMIT', 0, 1000))
end

-- The place of a job among those that ended in its state: its time, and later than the one before.
local function ending_score(queue, state, now)
  local last = queue[state]
  if not last then
    local stored = call('ZREVRANGE', queue.base .. state, 0, 0, 'WITHSCORES')
    last = tonumber(stored[2]) or 0
  end
  local score = math.max(now, last + 1 / SLOTS)
  queue[state] = score
  return string.format('%.17g', score)
end

-- Lets a parent go that waits for nothing any more, or that a child condemned.
local function release_parent(parent, flags, condemned_by, now)
  local id = string.match(parent, '[^:]*$')
  local base = string.sub(parent, 1, -1 - #id)
  if flags.id and flags.queueKey then id, base = flags.id, flags.queueKey .. ':' end
  local found = call('ZREM', base .. 'waiting-children', id) == 1
  if condemned_by then
    if not found then
      found = call('ZREM', base .. 'delayed', id) == 1
      if found and call('ZREM', base .. 'ath:parked', id) == 1 then call('HDEL', parent, 'ath:parked') end
    end
    if found then call('HSET', parent, 'defa', 'child ' .. condemned_by .. ' failed') end
  end
  if not found then return end
  local queue = open(base)
  local fields = call('HMGET', parent, 'priority', 'delay', 'ath:share', 'ath:due')
  local delay = tonumber(fields[2]) or 0
  -- Ours say when they are due, Node's for how long they wait from now on.
  local due = fields[4] and math.ceil(tonumber(fields[4]) / 1000) or now + delay
  if delay > 0 and due > now and not condemned_by then
    put_off(queue, id, due)
    tell_delayed(queue, id, due)
    wake_later(queue)
    return
  end
  -- It is ready from now on.
  call('HSET', parent, 'delay', '0', 'ath:due', string.format('%.0f', now * 1000))
  if (tonumber(fields[1]) or 0) > 0 then
    line_up(queue, id, fields[1], fields[3])
  else
    call('RPUSH', base .. 'wait', id)
  end
  wake(queue)
  tell(queue, 'waiting', 'jobId', id, 'prev', 'waiting-children')
end

-- What the job says of its parent.
local function read_flags(text)
  local read, told = pcall(cjson.decode, text or '')
  return read and type(told) == 'table' and told or {}
end

-- A child is gone before it ended: its parent waits for it no longer.
local function leave_parent(child, parent, text, now)
  if call('SREM', parent .. ':dependencies', child) == 1 and call('SCARD', parent .. ':dependencies') == 0 then
    release_parent(parent, read_flags(text), nil, now)
  end
end

-- Parents wait for their children: tells the parent of a job how that ended.
local function tell_parent(job, state, text, now)
  local parent = job.parent_key
  if not parent then return end
  local child = job.key
  local flags = read_flags(job.parent)
  local ends_parent, release_now = false, false
  if state == 'completed' then
    if call('SREM', parent .. ':dependencies', child) == 0 then return end
    call('HSET', parent .. ':processed', child, text)
  else
    if not (flags.fpof or flags.cpof or flags.idof or flags.rdof) then
      -- It holds its parent for as long as it is there: `recover.lua` looks whether it still is.
      if job.parent then
        local holding = string.sub(child, 1, -1 - #job.id) .. 'ath:holding'
        local earlier = call('HGET', holding, job.id)
        if earlier and earlier ~= job.parent then
          -- That of an earlier job with its id.
          local told = read_flags(earlier)
          if told.id and told.queueKey then leave_parent(child, told.queueKey .. ':' .. told.id, earlier, now) end
        end
        call('HSET', holding, job.id, job.parent)
      end
      return
    end
    if call('SREM', parent .. ':dependencies', child) == 0 then return end
    if flags.fpof then
      call('ZADD', parent .. ':unsuccessful', now, child)
      ends_parent = true
    elseif flags.cpof then
      call('HSET', parent .. ':failed', child, text)
      release_now = true
    elseif flags.idof then
      call('HSET', parent .. ':failed', child, text)
    end
  end
  if not (ends_parent or release_now) and call('SCARD', parent .. ':dependencies') > 0 then return end
  release_parent(parent, flags, ends_parent and child, now)
end

-- What came while the holder of a key ran, and was kept until that had ended, becomes a job.
local function let_follow(queue, unique, now)
  local kept = queue.base .. 'dn:' .. unique
  local fields = call('HMGET', kept, 'name', 'data', 'opts', 'jid', 'pk', 'pd', 'pdk', 'rjk')
  if not fields[1] then return end
  call('DEL', kept)
  local id = tostring(call('INCR', queue.base .. 'id'))
  if fields[4] and fields[4] ~= '' then id = fields[4] end
  local key = queue.base .. id
  if call('EXISTS', key) == 1 then return end
  local read, options = pcall(cjson.decode, fields[3] or '{}')
  if not read or type(options) ~= 'table' then options = {} end
  local delay, priority = tonumber(options.delay) or 0, tonumber(options.priority) or 0
  call('HSET', key, 'name', fields[1], 'data', fields[2] or '{}', 'opts', fields[3] or '{}', 'timestamp', tostring(now), 'delay', tostring(delay), 'priority', tostring(priority), 'deid', unique)
  if fields[5] then call('HSET', key, 'parentKey', fields[5]) end
  if fields[6] then call('HSET', key, 'parent', fields[6]) end
  if fields[7] then call('SADD', fields[7], key) end
  if fields[8] then call('HSET', key, 'rjk', fields[8]) end
  call('SET', queue.base .. 'de:' .. unique, id)
  tell(queue, 'added', 'jobId', id, 'name', fields[1])
  if delay > 0 then
    put_off(queue, id, now + delay)
    tell_delayed(queue, id, now + delay)
    wake_later(queue)
  else
    line_up(queue, id, priority, nil, options.lifo == true)
    tell(queue, 'waiting', 'jobId', id)
    wake(queue)
  end
end

-- A key without an end holds only as long as its job.
local function free_unique(queue, id, unique, now)
  if not unique then return end
  local mark = queue.base .. 'de:' .. unique
  local left = call('PTTL', mark)
  if left == 0 or (left == -1 and call('GET', mark) == id) then call('DEL', mark) end
  let_follow(queue, unique, now)
end

-- Ends a job that is in no list any more. `text` is its result as JSON, or why it failed.
local function conclude(queue, job, state, text, stack, now)
  free_unique(queue, job.id, job.unique, now)
  tell_parent(job, state, text, now)
  local count, age = job.keep_count, job.keep_age
  if not count then count, age = retention(job.opts, state) end
  if count == 0 then
    -- One that was never in other hands has nothing but itself, and what somebody logged of it.
    if job.is_alone then call('DEL', job.key, job.key .. ':lock', job.key .. ':logs') else forget(queue, job.id) end
    if job.parent_key then leave_parent(job.key, job.parent_key, job.parent, now) end
  else
    local field = state == 'completed' and 'returnvalue' or 'failedReason'
    local made = job.attempts_made
    call('HSET', job.key, field, text, 'finishedOn', now, 'atm', made, unpack(stack))
    if job.defa then call('HDEL', job.key, 'defa') end
    call('DEL', job.key .. ':lock')
    call('ZADD', queue.base .. state, ending_score(queue, state, now), job.id)
    if age then call('ZADD', queue.base .. 'ath:expiring', string.format('%.0f', now + age), job.id) end
  end
  if queue.trim and (queue.trim.state ~= state or queue.trim.count ~= count) then trim(queue) end
  if count then queue.trim = { state = state, count = count } end
  if state == 'completed' then
    tell(queue, 'completed', 'jobId', job.id, 'returnvalue', text, 'prev', 'active')
  else
    tell(queue, 'failed', 'jobId', job.id, 'failedReason', text, 'prev', 'active')
    if job.attempts_made >= job.attempts then
      tell(queue, 'retries-exhausted', 'jobId', job.id, 'attemptsMade', job.attempts_made)
    end
  end
end

-- What ending a job needs to know of it.
local HELD = { 'ats', 'opts', 'priority', 'stc', 'ath:serial', 'ath:place', 'atm', 'deid', 'parentKey', 'parent', 'defa', 'stacktrace', 'name', 'ath:share', 'ath:cancel' }

local function read_job(queue, id)
  local key = queue.base .. id
  local fields = redis.pcall('HMGET', key, unpack(HELD))
  -- Somebody else has taken its key.
  if fields.err then fields = {} end
  return {
    id = id, key = key, started = tonumber(fields[1]), opts = fields[2], priority = fields[3],
    stalls = tonumber(fields[4]) or 0, serial = fields[5], place = fields[6], attempts_made = tonumber(fields[7]) or 0,
    unique = fields[8], parent_key = fields[9], parent = fields[10], defa = fields[11], stack = fields[12], name = fields[13], share = fields[14], cancelled = fields[15],
    attempts = tonumber(string.match(fields[2] or '', '"attempts":(%d+)')) or 0,
    lifo = string.find(fields[2] or '', '"lifo":true', 1, true),
  }
end

-- The stack of a job with one more failure, as words of its hash.
local function stacked(job, failure)
  local before = job.stack
  local limit = tonumber(string.match(job.opts or '', '"stackTraceLimit":(%d+)'))
  if limit then
    local read, stack = pcall(cjson.decode, '[' .. failure .. ']')
    local known, earlier = pcall(cjson.decode, before or '[]')
    if read and known and type(earlier) == 'table' then
      table.insert(earlier, stack[1])
      while #earlier > limit do table.remove(earlier, 1) end
      return { 'stacktrace', #earlier > 0 and cjson.encode(earlier) or '[]' }
    end
  end
  if not before or before == '' or before == '[]' then return { 'stacktrace', '[' .. failure .. ']' } end
  return { 'stacktrace', string.sub(before, 1, -2) .. ',' .. failure .. ']' }
end

-- What ending a job that has nothing special about it needs to know of it travels in the value of its lock: behind the number
-- of the attempt how many attempts were made before it, and how long the job is kept once completed. Others only compare it.
local function lock_of(started, made, opts)
  local age, count = string.match(opts, '"removeOnComplete":{"age":([%d.e+]+),"count":(%d+)}')
  if not age then return 'ath:' .. started end
  return table.concat({ 'ath', started, made, count, age }, ':')
end

-- A job as its lock tells of it, if it is held by this attempt.
local function read_lock(queue, id, token, lock)
  local made, count, age = string.match(lock, '^ath:' .. token .. ':(%d+):(%d+):(.+)$')
  if not made then return nil end
  return {
    id = id, key = queue.base .. id, attempts_made = tonumber(made), stalls = 0, attempts = 0, is_alone = token == '1',
    keep_count = tonumber(count), keep_age = tonumber(age) * 1000,
  }
end
