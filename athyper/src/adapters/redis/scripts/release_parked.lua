-- Makes parked jobs of some kinds ready. KEYS[1]: the `meta` key of the queue. ARGV: the time in milliseconds and in
-- microseconds, then the kinds. Answers with how many there were.

local now = tonumber(ARGV[1])
local queue = open(string.sub(KEYS[1], 1, -5))
promote_all(queue, now)

local kinds = {}
for index = 3, #ARGV do kinds[ARGV[index]] = true end

local released = 0
for _, id in ipairs(call('ZRANGE', queue.base .. 'ath:parked', 0, -1)) do
  local key = queue.base .. id
  local fields = call('HMGET', key, 'name', 'priority', 'ath:share')
  if not call('ZSCORE', queue.base .. 'delayed', id) then
    -- Somebody who knows nothing of parking has moved it.
    call('ZREM', queue.base .. 'ath:parked', id)
  elseif fields[1] and kinds[fields[1]] then
    call('ZREM', queue.base .. 'ath:parked', id)
    call('ZREM', queue.base .. 'delayed', id)
    call('HDEL', key, 'ath:parked')
    call('HSET', key, 'delay', '0', 'ath:due', ARGV[2])
    line_up(queue, id, fields[2], fields[3])
    tell(queue, 'waiting', 'jobId', id, 'prev', 'delayed')
    released = released + 1
  end
end
if released > 0 then wake(queue) end
return released
