-- Makes the store hold exactly these schedules. KEYS[1]: the hash of their names. ARGV: the epoch and the time in microseconds,
-- then name and definition of each. Answers with 1, or 0 for an epoch that has passed.

local names, epoch = KEYS[1], tonumber(ARGV[1])
local known = redis.call('HKEYS', names)
for _, name in ipairs(known) do
  if (tonumber(redis.call('HGET', names .. ':' .. name, 'epoch')) or 0) > epoch then return 0 end
end

local declared = {}
for at = 3, #ARGV, 2 do declared[ARGV[at]] = ARGV[at + 1] end
for _, name in ipairs(known) do
  if not declared[name] then
    redis.call('HDEL', names, name)
    redis.call('DEL', names .. ':' .. name)
  end
end
for name, definition in pairs(declared) do
  local key = names .. ':' .. name
  if redis.call('HGET', key, 'definition') ~= definition then redis.call('HSET', key, 'definition', definition, 'mark', ARGV[2]) end
  redis.call('HSET', key, 'epoch', ARGV[1])
  redis.call('HSET', names, name, '1')
end
return 1
