-- Makes the store hold exactly these schedules, unless a process that began later has declared them. KEYS[1]: the hash of their
-- names. ARGV: the epoch, when the declaring process began and the time, in microseconds, then name and definition of each.
-- Answers with 1, or 0 for an epoch that has passed.

local names, epoch, since, now = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local known, outdated = redis.call('HKEYS', names), false
for _, name in ipairs(known) do
  local record = redis.call('HMGET', names .. ':' .. name, 'epoch', 'since')
  if (tonumber(record[1]) or 0) > epoch then return 0 end
  local began = tonumber(record[2]) or 0
  outdated = outdated or began > since and began <= now
end
if outdated then
  for _, name in ipairs(known) do redis.call('HSET', names .. ':' .. name, 'epoch', ARGV[1]) end
  return 1
end

local declared = {}
for at = 4, #ARGV, 2 do declared[ARGV[at]] = ARGV[at + 1] end
for _, name in ipairs(known) do
  if not declared[name] then
    redis.call('HDEL', names, name)
    redis.call('DEL', names .. ':' .. name)
  end
end
for name, definition in pairs(declared) do
  local key = names .. ':' .. name
  if redis.call('HGET', key, 'definition') ~= definition then redis.call('HSET', key, 'definition', definition, 'mark', ARGV[3]) end
  redis.call('HSET', key, 'epoch', ARGV[1], 'since', ARGV[2])
  redis.call('HSET', names, name, '1')
end
return 1
