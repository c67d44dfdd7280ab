-- Holds a lease for longer. KEYS[1]: the lease. ARGV: what it holds, and for how many milliseconds. Answers with 1, or 0 if it has
-- passed on or ran out.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
