-- Takes back the jobs whose lock ran out. KEYS[1]: the `meta` key of the queue. ARGV: the time, and how many stalls in a row are
-- allowed. Answers with id, name and a 1 for those that failed, of each.

local now, allowed = tonumber(ARGV[1]), tonumber(ARGV[2])
local queue = open(string.sub(KEYS[1], 1, -5))
promote(queue, now)
-- Here it is said what other operations put up with: keys that hold something else than they should.
call('XLEN', queue.base .. 'events')
call('ZCARD', queue.base .. 'marker')

local recovered, broken = {}, nil

local function take_back(id)
  local job = read_job(queue, id)
  call('LREM', queue.base .. 'active', -1, id)
  local failed = job.cancelled or job.stalls + 1 > allowed
  if failed then
    local reason = 'its worker went silent ' .. (job.stalls + 1) .. ' times in a row while it held the job'
    if job.cancelled then
      reason = CANCELLED
      call('SREM', queue.base .. 'ath:cancelled', id)
      call('HDEL', job.key, 'ath:cancel')
    end
    local words = stacked(job, cjson.encode(reason))
    words[3], words[4] = 'stc', job.stalls + 1
    local concluded, failure = pcall(conclude, queue, job, 'failed', reason, words, now)
    if not concluded then
      -- A key holds what it should not: the job is held as before, and the others are taken back.
      call('LPUSH', queue.base .. 'active', id)
      broken = broken or failure
      return
    end
  elseif job.started then
    call('HSET', job.key, 'stc', job.stalls + 1)
    put_back(queue, id, job.place)
    tell(queue, 'waiting', 'jobId', id, 'prev', 'active')
    tell(queue, 'stalled', 'jobId', id)
  end
  end_serial(queue, id, job.serial)
  end_tenant(queue, id, job.share)
  if job.started then
    recovered[#recovered + 1] = id
    recovered[#recovered + 1] = job.name or ''
    recovered[#recovered + 1] = failed and '1' or '0'
  end
end

-- The latest taken come first: those of the list are put back one before the other.
local active = call('LRANGE', queue.base .. 'active', 0, -1)
for first = 1, #active, 1000 do
  local locks = {}
  for index = first, math.min(first + 999, #active) do locks[#locks + 1] = queue.base .. active[index] .. ':lock' end
  local held = call('MGET', unpack(locks))
  for index = 1, #locks do
    if not held[index] then take_back(active[first + index - 1]) end
  end
end

-- A worker that knows nothing of serial keys and tenants may have ended a job with one.
local busy = call('HGETALL', queue.base .. 'ath:serial')
for index = 1, #busy, 2 do
  if not call('LPOS', queue.base .. 'active', busy[index + 1]) then end_serial(queue, busy[index + 1], busy[index]) end
end
for _, id in ipairs(call('SMEMBERS', queue.base .. 'ath:cancelled')) do
  if not call('LPOS', queue.base .. 'active', id) then
    call('SREM', queue.base .. 'ath:cancelled', id)
    call('HDEL', queue.base .. id, 'ath:cancel')
  end
end
local limited = call('HGETALL', queue.base .. 'ath:limited')
for index = 1, #limited, 2 do
  if not call('LPOS', queue.base .. 'active', limited[index]) then end_tenant(queue, limited[index], limited[index + 1]) end
end
if queue.tenant then look_after_crowded(queue, now) end

settle_front(queue)
trim(queue)
expire(queue, now)
-- A failed child that held its parent may not be kept any longer, or may have been retried.
local holding = call('HGETALL', queue.base .. 'ath:holding')
for index = 1, #holding, 2 do
  local id, flags = holding[index], read_flags(holding[index + 1])
  if not call('ZSCORE', queue.base .. 'failed', id) then
    call('HDEL', queue.base .. 'ath:holding', id)
    local parent = flags.id and flags.queueKey and flags.queueKey .. ':' .. flags.id
    -- Another job may have its id by now.
    if parent and call('HGET', queue.base .. id, 'parentKey') ~= parent then
      leave_parent(queue.base .. id, parent, holding[index + 1], now)
    end
  end
end
if #recovered > 0 then wake(queue) end
if broken then error(broken) end
return recovered
