-- One job. KEYS[1]: the `meta` key of the queue. ARGV: the time, and the job.

local queue = open(string.sub(KEYS[1], 1, -5))
promote_all(queue, tonumber(ARGV[1]))
local state = state_of(queue, ARGV[2])
return state and tell_of(queue, ARGV[2], state) or false
