-- Adds the next run of a job scheduler once one was taken. KEYS[1]: the `meta` key of the queue. ARGV: the time, the scheduler, the
-- run that was taken, when the next is due in milliseconds, its id, its name, its data and its options as JSON, and its priority.
-- Does nothing unless the run that was taken is the scheduler's latest. Answers with 1 if it was added.

local now, scheduler, due, id = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[4]), ARGV[5]
local queue = open(string.sub(KEYS[1], 1, -5))
local base = queue.base
local latest = call('ZSCORE', base .. 'repeat', scheduler)
if not latest or 'repeat:' .. scheduler .. ':' .. string.format('%.0f', tonumber(latest)) ~= ARGV[3] then return 0 end

call('ZADD', base .. 'repeat', ARGV[4], scheduler)
call('HINCRBY', base .. 'repeat:' .. scheduler, 'ic', 1)
call('INCR', base .. 'id')
if call('EXISTS', base .. id) == 1 then return 0 end
local delay = math.max(due - now, 0)
call('HSET', base .. id, 'name', ARGV[6], 'data', ARGV[7], 'opts', ARGV[8], 'timestamp', ARGV[1], 'delay', string.format('%.0f', delay), 'priority', ARGV[9], 'rjk', scheduler)
tell(queue, 'added', 'jobId', id, 'name', ARGV[6])
if delay > 0 then
  put_off(queue, id, due)
  tell_delayed(queue, id, due)
  wake_later(queue)
else
  line_up(queue, id, ARGV[9])
  tell(queue, 'waiting', 'jobId', id)
  wake(queue)
end
return 1
