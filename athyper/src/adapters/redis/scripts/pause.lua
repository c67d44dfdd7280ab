-- Stops or resumes handing out jobs. KEYS[1]: the `meta` key of the queue. ARGV: `pause` or `resume`.

local queue = open(string.sub(KEYS[1], 1, -5))
local base = queue.base
if ARGV[1] == 'pause' then
  call('HSET', base .. 'meta', 'paused', '1')
  call('DEL', base .. 'marker')
  tell(queue, 'paused')
  return 1
end

call('HDEL', base .. 'meta', 'paused')
queue.paused = nil
-- Versions of BullMQ before 6 move what waits to a list of its own.
if call('EXISTS', base .. 'paused') == 1 then
  if call('EXISTS', base .. 'wait') == 0 then
    call('RENAME', base .. 'paused', base .. 'wait')
  else
    repeat
      local ids = call('LPOP', base .. 'paused', 1000)
      if ids then call('RPUSH', base .. 'wait', unpack(ids)) end
    until not ids
  end
end
if call('LLEN', base .. 'wait') + call('ZCARD', base .. 'prioritized') > 0 then wake(queue) else wake_later(queue) end
tell(queue, 'resumed')
return 1
