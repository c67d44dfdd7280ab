-- Changes one job by hand. KEYS[1]: the `meta` key of the queue. ARGV: the time in milliseconds and in microseconds, the job, and
-- `remove`, `cancel`, `retry` or `promote`. Answers with the state it was in; nothing was changed if that state does not allow it.

local now = tonumber(ARGV[1])
local queue = open(string.sub(KEYS[1], 1, -5))
promote_all(queue, now)
local base, id, change = queue.base, ARGV[3], ARGV[4]
local key = base .. id
local state = state_of(queue, id)
if not state then return '' end

local fields = call('HMGET', key, 'priority', 'ath:serial', 'deid', 'parentKey', 'ath:share', 'parent')

-- A job by whose end others would be let go does not wait any more.
local function leave_held()
  if fields[5] and call('ZREM', base .. beyond(fields[5]), id) == 1 then call('ZREM', base .. 'ath:held', id) end
  local serial = fields[2]
  if not serial then return end
  call('ZREM', base .. 'ath:held:' .. serial, id)
  call('ZREM', base .. 'ath:held', id)
  if call('HEXISTS', base .. 'ath:serial', serial) == 0 then free_serial(queue, serial) end
end

-- A job that nobody holds leaves whatever it waits in.
local function leave()
  call('LREM', base .. 'wait', 0, id)
  call('ZREM', base .. 'prioritized', id)
  call('ZREM', base .. 'delayed', id)
  call('ZREM', base .. 'ath:parked', id)
  call('ZREM', base .. 'waiting-children', id)
end

if change == 'cancel' and state == 'active' then
  call('HSET', key, 'ath:cancel', '1')
  call('SADD', base .. 'ath:cancelled', id)
  -- Whoever ends it has to look at the job.
  look_at_end(queue, id)
elseif change == 'cancel' and state ~= 'completed' and state ~= 'failed' then
  leave()
  local job = read_job(queue, id)
  conclude(queue, job, 'failed', CANCELLED, stacked(job, '"' .. CANCELLED .. '"'), now)
  leave_held()
  trim(queue)
elseif change == 'remove' and state ~= 'active' then
  leave()
  drop_finished(queue, { id })
  leave_held()
  if fields[3] then
    local mark = base .. 'de:' .. fields[3]
    if call('GET', mark) == id then call('DEL', mark, base .. 'dn:' .. fields[3]) end
  end
  if fields[4] then leave_parent(key, fields[4], fields[6], now) end
  tell(queue, 'removed', 'jobId', id, 'prev', state == 'waiting' and 'wait' or state)
elseif change == 'retry' and state == 'failed' then
  call('ZREM', base .. 'failed', id)
  call('ZREM', base .. 'ath:expiring', id)
  call('HDEL', key, 'finishedOn', 'processedOn', 'returnvalue', 'stc')
  call('HSET', key, 'atm', '0', 'ath:due', ARGV[2], 'delay', '0')
  if fields[4] then call('SADD', fields[4] .. ':dependencies', key) end
  line_up(queue, id, fields[1], fields[5])
  tell(queue, 'waiting', 'jobId', id, 'prev', 'failed')
  wake(queue)
elseif change == 'promote' and call('ZSCORE', base .. 'waiting-children', id) then
  return 'waiting-children'
elseif change == 'promote' and (state == 'delayed' or state == 'parked') and call('ZREM', base .. 'delayed', id) == 1 then
  call('ZREM', base .. 'ath:parked', id)
  call('HDEL', key, 'ath:parked')
  call('HSET', key, 'delay', '0', 'ath:due', ARGV[2])
  line_up(queue, id, fields[1], fields[5])
  tell(queue, 'waiting', 'jobId', id, 'prev', 'delayed')
  wake(queue)
end
settle_front(queue)
return state
