-- Adding jobs. Needs common.lua.

-- A job of ARGV begins with the number of its queue, its id, its priority, whose turn it uses up (behind a `=`; nothing where
-- tenants take no turns), when it is due in milliseconds (0 for now), its unique key and that key's milliseconds, and how many
-- words of the hash follow; then these.
local HEAD = 8

local function after(at) return at + HEAD + tonumber(ARGV[at + 7]) end

local function share_of(at)
  local share = ARGV[at + 3]
  return share ~= '' and string.sub(share, 2)
end

local function write(queue, at)
  call('HSET', queue.base .. ARGV[at + 1], unpack(ARGV, at + HEAD, after(at) - 1))
  -- The name is the first value of the hash.
  tell(queue, 'added', 'jobId', ARGV[at + 1], 'name', ARGV[at + HEAD + 1])
end

-- Adds the job that begins at `at`. Answers with the id that stands for it if it was not added.
local function add(queue, at)
  local id, due, unique = ARGV[at + 1], tonumber(ARGV[at + 4]), ARGV[at + 5]
  if call('EXISTS', queue.base .. id) == 1 then
    tell(queue, 'duplicated', 'jobId', id)
    return id
  end
  if unique ~= '' then
    local mark = queue.base .. 'de:' .. unique
    if not call('SET', mark, id, 'NX', 'PX', ARGV[at + 6]) then
      local holder = call('GET', mark)
      tell(queue, 'deduplicated', 'jobId', holder, 'deduplicationId', unique, 'deduplicatedJobId', id)
      return holder
    end
  end
  -- A job that cannot be lined up must leave nothing behind, or it would be a duplicate for ever.
  local lined_up, failure
  if due > 0 then
    lined_up, failure = pcall(put_off, queue, id, due)
  else
    lined_up, failure = pcall(line_up, queue, id, ARGV[at + 2], share_of(at))
  end
  if not lined_up then
    if unique ~= '' then call('DEL', queue.base .. 'de:' .. unique) end
    error(failure)
  end
  write(queue, at)
  if due > 0 then
    tell_delayed(queue, id, due)
    queue.later = true
  else
    tell(queue, 'waiting', 'jobId', id)
    queue.ready = true
  end
  return nil
end

-- Wakes workers for what was added.
local function announce(queue)
  if queue.ready then wake(queue) end
  if queue.later then wake_later(queue) end
end
