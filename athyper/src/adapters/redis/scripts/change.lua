-- Changes one job by hand. KEYS[1]: the `meta` key of the queue. ARGV: the time in milliseconds and in microseconds, the job, and
-- `remove`, `cancel`, `retry` or `promote`. Answers with the state it was in; nothing was changed if that state does not allow it.

local now = tonumber(ARGV[1])
local queue = open(string.sub(KEYS[1], 1, -5))
promote_all(queue, now)
local base, id, change = queue.base, ARGV[3], ARGV[4]
local key = base .. id
local state = state_of(queue, id)
if not state then return '' end

local fields = call('HMGET', key, 'priority', 'parentKey', 'ath:share', 'opts')

-- A job by whose end others would be let go does not wait any more.
local function leave_held(of, job, serial, share)
  if share and call('ZREM', of.base .. beyond(share), job) == 1 then
    call('ZREM', of.base .. 'ath:held', job)
  elseif share and of.tenant then
    -- It may have been let go in the place of another one.
    free_held(of, beyond(share), 1)
  end
  if not serial then return end
  call('ZREM', of.base .. 'ath:held:' .. serial, job)
  call('ZREM', of.base .. 'ath:held', job)
  if call('HEXISTS', of.base .. 'ath:serial', serial) == 0 then free_serial(of, serial) end
end

-- A job that nobody holds leaves whatever it waits in. Answers with the name that BullMQ has for it.
local function leave(of, job, stood)
  local prefix = of.base
  call('LREM', prefix .. 'wait', 0, job)
  if call('ZREM', prefix .. 'prioritized', job) == 1 then stood = 'prioritized' end
  call('ZREM', prefix .. 'delayed', job)
  call('ZREM', prefix .. 'ath:parked', job)
  if call('ZREM', prefix .. 'waiting-children', job) == 1 then stood = 'waiting-children' end
  return stood
end

local function remove(of, job, stood)
  local prefix, own = of.base, of.base .. job
  stood = leave(of, job, stood)
  local held = call('HMGET', own, 'ath:serial', 'deid', 'parentKey', 'parent', 'ath:share')
  drop_finished(of, { job })
  leave_held(of, job, held[1], held[5])
  settle_front(of)
  if held[2] then
    local mark = prefix .. 'de:' .. held[2]
    if call('GET', mark) == job then call('DEL', mark, prefix .. 'dn:' .. held[2]) end
  end
  if held[3] then leave_parent(own, held[3], held[4], now) end
  local previous = { waiting = 'wait', parked = 'delayed' }
  tell(of, 'removed', 'jobId', job, 'prev', previous[stood] or stood)
end

-- The children of a job, and theirs: the queue, the id and the state of each. They may be in other queues of the same prefix.
local function descendants(parent, found)
  local children = call('SMEMBERS', parent .. ':dependencies')
  local ended = { call('HKEYS', parent .. ':processed'), call('HKEYS', parent .. ':failed'), call('ZRANGE', parent .. ':unsuccessful', 0, -1) }
  for _, keys in ipairs(ended) do
    for _, child in ipairs(keys) do children[#children + 1] = child end
  end
  local prefix = string.match(base, '^(.*:)[^:]*:$')
  for _, child in ipairs(children) do
    local name, job = string.match(string.sub(child, #prefix + 1), '^([^:]*):(.+)$')
    -- What has its name may be another job by now.
    if name and string.sub(child, 1, #prefix) == prefix and call('HGET', child, 'parentKey') == parent then
      local of = open(prefix .. name .. ':')
      found[#found + 1] = { of, job, state_of(of, job) }
      descendants(child, found)
    end
  end
  return found
end

-- Ends a job that nobody holds, and asks one that somebody does to stop.
local function cancel(of, job, stood)
  if stood == 'active' then
    call('HSET', of.base .. job, 'ath:cancel', '1')
    call('SADD', of.base .. 'ath:cancelled', job)
    -- Whoever ends it has to look at the job.
    look_at_end(of, job)
    return
  end
  leave(of, job, stood)
  local held = read_job(of, job)
  conclude(of, held, 'failed', CANCELLED, stacked(held, '"' .. CANCELLED .. '"'), now)
  leave_held(of, job, held.serial, held.share)
  settle_front(of)
  trim(of)
  expire(of, now)
end

local function has_ended(stood) return not stood or stood == 'completed' or stood == 'failed' end

if change == 'cancel' and not has_ended(state) then
  local below = state == 'waiting-children' and descendants(key, {}) or {}
  cancel(queue, id, state)
  for _, child in ipairs(below) do
    if not has_ended(child[3]) then cancel(child[1], child[2], child[3]) end
  end
elseif change == 'remove' and state ~= 'active' then
  -- A parent goes with its children, unless one of them is in somebody's hands.
  local children = descendants(key, {})
  for _, child in ipairs(children) do
    if child[3] == 'active' then return 'the parent of an active job' end
  end
  call('ZREM', base .. 'waiting-children', id)
  for _, child in ipairs(children) do remove(child[1], child[2], child[3]) end
  remove(queue, id, state)
elseif change == 'retry' and state == 'failed' then
  call('ZREM', base .. 'failed', id)
  call('ZREM', base .. 'ath:expiring', id)
  call('HDEL', key, 'finishedOn', 'processedOn', 'returnvalue', 'stc')
  call('HSET', key, 'atm', '0', 'ath:due', ARGV[2], 'delay', '0')
  if fields[2] and (call('ZREM', fields[2] .. ':unsuccessful', key) == 1 or call('HDEL', fields[2] .. ':failed', key) == 1) then
    call('SADD', fields[2] .. ':dependencies', key)
  end
  if call('SCARD', key .. ':dependencies') > 0 then
    call('ZADD', base .. 'waiting-children', now, id)
    tell(queue, 'waiting-children', 'jobId', id, 'prev', 'failed')
  else
    line_up(queue, id, fields[1], fields[3], string.find(fields[4] or '', '"lifo":true', 1, true))
    tell(queue, 'waiting', 'jobId', id, 'prev', 'failed')
    wake(queue)
  end
elseif change == 'promote' and (state == 'delayed' or state == 'parked') and call('ZREM', base .. 'delayed', id) == 1 then
  call('ZREM', base .. 'ath:parked', id)
  call('HDEL', key, 'ath:parked')
  call('HSET', key, 'delay', '0', 'ath:due', ARGV[2])
  line_up(queue, id, fields[1], fields[3])
  tell(queue, 'waiting', 'jobId', id, 'prev', 'delayed')
  wake(queue)
end
settle_front(queue)
return state
