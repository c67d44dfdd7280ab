-- Appends a row to the log of a job that is held. KEYS[1]: the `meta` key of the queue. ARGV: the job, its token, the row, how many
-- rows stay unless the job says otherwise. Answers with 1, or 0 if it is not held.

local base = string.sub(KEYS[1], 1, -5)
local key = base .. ARGV[1]
local fields = redis.call('HMGET', key, 'ats', 'opts')
if fields[1] ~= ARGV[2] or not redis.call('LPOS', base .. 'active', ARGV[1]) then return 0 end
local stay = tonumber(string.match(fields[2] or '', '"kl":(%d+)') or ARGV[4])
redis.call('RPUSH', key .. ':logs', ARGV[3])
if stay > 0 then redis.call('LTRIM', key .. ':logs', -stay, -1) end
return 1
