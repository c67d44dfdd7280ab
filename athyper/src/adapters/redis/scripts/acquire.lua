-- Takes a lease if it is free. KEYS[1]: the lease, which ends by itself; KEYS[2]: its latest epoch. ARGV: who asks, and for how
-- many milliseconds. Answers with the epoch, or nothing while somebody else holds it.

local held = redis.call('GET', KEYS[1])
local epoch, holder = string.match(held or '', '^(%d+) (.*)$')
if held and holder ~= ARGV[1] then return false end
if not held then epoch = tostring(redis.call('INCR', KEYS[2])) end
redis.call('SET', KEYS[1], epoch .. ' ' .. ARGV[1], 'PX', ARGV[2])
return epoch
