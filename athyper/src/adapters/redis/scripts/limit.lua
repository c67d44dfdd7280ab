-- Sets how much of a queue may run. KEYS[1]: the `meta` key of the queue. ARGV: of the queue, then of each tenant: how many at once,
-- how many starts, and in how many milliseconds; nothing for no limit.

local meta = KEYS[1]
local FIELDS = { 'concurrency', 'max', 'duration', 'ath:tenant:concurrency', 'ath:tenant:max', 'ath:tenant:duration' }
for index, field in ipairs(FIELDS) do
  if ARGV[index] == '' then redis.call('HDEL', meta, field) else redis.call('HSET', meta, field, ARGV[index]) end
end
redis.call('HDEL', meta, 'ath:lifted')

local queue = open(string.sub(meta, 1, -5))
local base = queue.base
call('DEL', base .. 'limiter', base .. 'ath:tenants', base .. 'ath:limited', base .. 'ath:starts', base .. 'ath:periods')
if not queue.tenant then
  if call('EXISTS', base .. 'ath:crowded') == 1 then call('HSET', meta, 'ath:lifted', '1') end
else
  if queue.tenant.cap then
    for _, id in ipairs(call('LRANGE', base .. 'active', 0, -1)) do
      local share = call('HGET', base .. id, 'ath:share')
      if share then
        begin_tenant(queue, id, share)
        look_at_end(queue, id)
      end
    end
  end
  for _, share in ipairs(call('SMEMBERS', base .. 'ath:crowded')) do free_held(queue, beyond(share), most_at_once(queue)) end
  settle_front(queue)
end
wake(queue)
return 1
