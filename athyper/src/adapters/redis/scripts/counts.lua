-- How many jobs stand where. KEYS[1]: the `meta` key of the queue. ARGV: the time. Answers with waiting, delayed, parked, waiting for
-- children, active, completed and failed.

local queue = open(string.sub(KEYS[1], 1, -5))
promote_all(queue, tonumber(ARGV[1]))
local base = queue.base
local waiting = call('LLEN', base .. 'wait') + call('ZCARD', base .. 'prioritized') + call('ZCARD', base .. 'ath:held')
local parked = #call('ZINTER', 2, base .. 'ath:parked', base .. 'delayed')
return {
  waiting, call('ZCARD', base .. 'delayed') - parked, parked, call('ZCARD', base .. 'waiting-children'), call('LLEN', base .. 'active'),
  call('ZCARD', base .. 'completed'), call('ZCARD', base .. 'failed'),
}
