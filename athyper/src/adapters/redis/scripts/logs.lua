-- The log of a job. KEYS[1]: the `meta` key of the queue. ARGV: the job. Answers with its rows, or nothing if there is no such job.

local key = string.sub(KEYS[1], 1, -5) .. ARGV[1]
if redis.call('EXISTS', key) == 0 then return false end
return redis.call('LRANGE', key .. ':logs', 0, -1)
