-- Finding jobs. Needs common.lua.

-- Where a job stands, by the names of `JobState`; nothing if it stands nowhere.
local function state_of(queue, id)
  local base = queue.base
  if call('ZSCORE', base .. 'completed', id) then return 'completed' end
  if call('ZSCORE', base .. 'failed', id) then return 'failed' end
  if call('ZSCORE', base .. 'delayed', id) then
    return call('ZSCORE', base .. 'ath:parked', id) and 'parked' or 'delayed'
  end
  if call('ZSCORE', base .. 'prioritized', id) or call('ZSCORE', base .. 'ath:held', id) then return 'waiting' end
  if call('LPOS', base .. 'active', id) then return 'active' end
  if call('LPOS', base .. 'wait', id) or call('LPOS', base .. 'paused', id) then return 'waiting' end
  if call('ZSCORE', base .. 'waiting-children', id) then return 'waiting-children' end
end

-- Everything that is told of a job: its state, its id, when it is due by the order of delayed jobs, and its hash.
local function tell_of(queue, id, state)
  local hash = redis.pcall('HGETALL', queue.base .. id)
  -- The key of a job may hold something else.
  return { state, id, call('ZSCORE', queue.base .. 'delayed', id) or '', hash.err and {} or hash }
end
