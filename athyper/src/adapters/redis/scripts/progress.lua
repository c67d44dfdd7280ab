-- Records the progress of a job that is held. KEYS[1]: the `meta` key of the queue. ARGV: the job, its token, the progress as
-- JSON. Answers with 1, or 0 if it is not held.

local queue = open(string.sub(KEYS[1], 1, -5))
local key = queue.base .. ARGV[1]
if call('HGET', key, 'ats') ~= ARGV[2] or not call('LPOS', queue.base .. 'active', ARGV[1]) then return 0 end
call('HSET', key, 'progress', ARGV[3])
tell(queue, 'progress', 'jobId', ARGV[1], 'data', ARGV[3])
return 1
