-- Takes jobs. KEYS[1]: the queue's `meta` key. ARGV: the time, how many at most, for how many milliseconds they are held, and
-- who asks. Answers with when the next job is due, and the jobs.

local base = string.sub(KEYS[1], 1, -5)
-- Workers that have nothing to do look again and again.
if call('EXISTS', base .. 'wait', base .. 'prioritized', base .. 'delayed', base .. 'ath:held') == 0 then return { -1, {} } end

local queue = open(base)
local request = { now = tonumber(ARGV[1]), stamp = ARGV[1], max = tonumber(ARGV[2]), lock = ARGV[3], worker = ARGV[4] }
local handed = take(queue, request)
trim(queue)
return { look_again(queue, handed, request.now), handed }
