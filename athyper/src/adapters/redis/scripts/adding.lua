-- Adding a job. Needs common.lua.

-- Adds the job that begins at `at` of ARGV: the number of its queue, its id, its priority, when it is due in milliseconds (0
-- for now), its unique key and that key's milliseconds, how many words of the hash follow, and these. Answers with where the
-- next one begins, and with the id that stands for it if it was not added.
local function add(queue, at)
  local id, due, unique, words = ARGV[at + 1], tonumber(ARGV[at + 3]), ARGV[at + 4], tonumber(ARGV[at + 6])
  local after = at + 7 + words
  local key = queue.base .. id
  if call('EXISTS', key) == 1 then
    tell(queue, 'duplicated', 'jobId', id)
    return after, id
  end
  if unique ~= '' then
    local mark = queue.base .. 'de:' .. unique
    if not call('SET', mark, id, 'NX', 'PX', ARGV[at + 5]) then
      local holder = call('GET', mark)
      tell(queue, 'deduplicated', 'jobId', holder, 'deduplicationId', unique, 'deduplicatedJobId', id)
      return after, holder
    end
  end
  -- A job that cannot be lined up must leave nothing behind, or it would be a duplicate for ever.
  local lined_up, failure
  if due > 0 then lined_up, failure = pcall(put_off, queue, id, due) else lined_up, failure = pcall(line_up, queue, id, ARGV[at + 2]) end
  if not lined_up then
    if unique ~= '' then call('DEL', queue.base .. 'de:' .. unique) end
    error(failure)
  end
  call('HSET', key, unpack(ARGV, at + 7, after - 1))
  -- The name is the first value of the hash.
  tell(queue, 'added', 'jobId', id, 'name', ARGV[at + 8])
  if due > 0 then
    tell_delayed(queue, id, due)
    queue.later = true
  else
    tell(queue, 'waiting', 'jobId', id)
    queue.ready = true
  end
  return after, nil
end

-- Wakes workers for what was added.
local function announce(queue)
  if queue.ready then wake(queue) end
  if queue.later then wake_later(queue) end
end
