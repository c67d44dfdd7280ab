-- Adds jobs, all of them or none. KEYS: the `meta` key of each queue. ARGV: the time, then the jobs. `answers` has for each the
-- id that stands for it, or nothing if it was added.

local now = tonumber(ARGV[1])
local queues = {}
for index, meta in ipairs(KEYS) do queues[index] = open(string.sub(meta, 1, -5)) end

-- Several jobs in a row that are due, of one queue, with new ids and without a unique key are lined up by one command.
local MOST_IN_A_ROW = 500

-- Whether the job at `at` can be one of a row in which these ids are.
local function is_of_row(at, number, row)
  return ARGV[at] == number and ARGV[at + 4] == '0' and ARGV[at + 5] == '' and not row[ARGV[at + 1]] and #row < MOST_IN_A_ROW
end

-- What is due comes before what is added. Answers whether the queue has none of these keys; mostly it has no delayed jobs either,
-- and one question is enough.
local function are_new(queue, keys)
  if not queue.promoted then
    if call('EXISTS', queue.base .. 'delayed', unpack(keys)) == 0 then
      queue.promoted = true
      return true
    end
    promote_all(queue, now)
  end
  return call('EXISTS', unpack(keys)) == 0
end

local function add_row(queue, row)
  local listed, placed, sorted = {}, {}, 0
  for _, at in ipairs(row) do
    if (tonumber(ARGV[at + 2]) or 0) > 0 then sorted = sorted + 1 end
  end
  -- All of them come one behind the other.
  local last = sorted > 0 and call('INCRBY', queue.base .. 'pc', sorted) - sorted
  for _, at in ipairs(row) do
    local priority, share = tonumber(ARGV[at + 2]) or 0, share_of(at)
    if priority > 0 then
      last = last + 1
      local place = last
      if share then place = next_turn(queue, priority, share) end
      placed[#placed + 1] = priority * CLASS + place % CLASS
      placed[#placed + 1] = ARGV[at + 1]
    else
      listed[#listed + 1] = ARGV[at + 1]
    end
  end
  if #listed > 0 then call('LPUSH', queue.base .. 'wait', unpack(listed)) end
  if #placed > 0 then call('ZADD', queue.base .. 'prioritized', unpack(placed)) end
  for _, at in ipairs(row) do
    write(queue, at)
    tell(queue, 'waiting', 'jobId', ARGV[at + 1])
  end
  queue.ready = true
end

local answers = {}
local at = 2
while ARGV[at] do
  local number, first = ARGV[at], at
  local queue = queues[tonumber(number)]
  local row, keys = {}, {}
  while ARGV[at] and is_of_row(at, number, row) do
    row[#row + 1] = at
    row[ARGV[at + 1]] = true
    keys[#keys + 1] = queue.base .. ARGV[at + 1]
    at = after(at)
  end
  if #row > 0 and are_new(queue, keys) then
    add_row(queue, row)
    for _ = 1, #row do answers[#answers + 1] = '' end
  else
    promote_all(queue, now)
    at = first
    repeat
      answers[#answers + 1] = add(queue, at) or ''
      at = after(at)
      table.remove(row)
    until #row == 0
  end
end
for _, queue in ipairs(queues) do announce(queue) end
