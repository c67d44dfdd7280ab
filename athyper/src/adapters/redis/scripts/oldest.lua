-- When the job that has been waiting longest became ready. KEYS[1]: the `meta` key of the queue. ARGV: the time. Answers with
-- microseconds, or nothing.

local queue = open(string.sub(KEYS[1], 1, -5))
promote_all(queue, tonumber(ARGV[1]))
local base = queue.base
local oldest

local function consider(id)
  if not id then return end
  local fields = call('HMGET', base .. id, 'ath:due', 'timestamp')
  local due = tonumber(fields[1]) or (tonumber(fields[2]) or 0) * 1000
  if due > 0 and (not oldest or due < oldest) then oldest = due end
end

consider(call('LINDEX', base .. 'wait', -1))
for _, id in ipairs(call('ZRANGE', base .. 'ath:held', 0, 999)) do consider(id) end
-- The first of each priority: behind it they are in the order they became ready.
local bound, looked = '-inf', 0
while looked < 1000 do
  local first = call('ZRANGEBYSCORE', base .. 'prioritized', bound, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  if not first[1] then break end
  if call('HEXISTS', base .. first[1], 'ath:share') == 1 then
    -- Where tenants take turns the first of each has the next turn at the latest.
    local class = math.floor(tonumber(first[2]) / CLASS)
    local turn = tonumber(call('HGET', base .. 'ath:turn', class) or '0') + 1
    local latest = string.format('%.0f', math.max(class * CLASS + turn, tonumber(first[2])))
    for _, id in ipairs(call('ZRANGEBYSCORE', base .. 'prioritized', first[2], latest, 'LIMIT', 0, 1000)) do consider(id) end
  end
  consider(first[1])
  bound = string.format('%.0f', (math.floor(tonumber(first[2]) / CLASS) + 1) * CLASS)
  looked = looked + 1
end
return oldest and string.format('%.0f', oldest) or false
