-- Takes jobs. KEYS[1]: the queue's `meta` key. ARGV: the time, how many at most, for how many milliseconds they are held, and
-- who asks. Answers with when the next job is due, and the jobs.

local queue = open(string.sub(KEYS[1], 1, -5))
local request = { now = tonumber(ARGV[1]), stamp = ARGV[1], max = tonumber(ARGV[2]), lock = ARGV[3], worker = ARGV[4] }
local handed = take(queue, request)
trim(queue)
return { look_again(queue, handed, request.now), handed }
