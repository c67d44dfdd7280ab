-- What is remembered of schedules. KEYS[1]: the hash of their names. Answers with name, definition, mark, epoch, beginning and last job of each.

local records = {}
for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
  local fields = redis.call('HMGET', KEYS[1] .. ':' .. name, 'definition', 'mark', 'epoch', 'since', 'job')
  records[#records + 1] = { name, fields[1] or '', fields[2] or '', fields[3] or '', fields[4] or '', fields[5] or '' }
end
return records
