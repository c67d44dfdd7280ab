-- Keeps what the next attempt at a job that is held begins from. KEYS[1]: the `meta` key of the queue. ARGV: the job, its token, the
-- checkpoint as JSON. Answers with 1, or 0 if it is not held.

local base = string.sub(KEYS[1], 1, -5)
local key = base .. ARGV[1]
if redis.call('HGET', key, 'ats') ~= ARGV[2] or not redis.call('LPOS', base .. 'active', ARGV[1]) then return 0 end
redis.call('HSET', key, 'ath:checkpoint', ARGV[3])
return 1
