-- When the earliest delayed or parked job becomes ready. KEYS[1]: the `meta` key of the queue. ARGV: the time. Answers with
-- microseconds as text, or nothing.

local queue = open(string.sub(KEYS[1], 1, -5))
promote_all(queue, tonumber(ARGV[1]))
local first = call('ZRANGE', queue.base .. 'delayed', 0, 0)[1]
if not first then return false end
return call('HGET', queue.base .. first, 'ath:due') or string.format('%.0f', next_due(queue) * 1000)
