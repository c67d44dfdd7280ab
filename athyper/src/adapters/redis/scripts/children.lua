-- The children of a job. KEYS[1]: the `meta` key of its queue. ARGV: the time, and the job. Answers for each with its queue, its id, its
-- name, its state, and its result or why it failed.

local queue = open(string.sub(KEYS[1], 1, -5))
local key = queue.base .. ARGV[2]
local prefix = string.match(queue.base, '^(.*:)[^:]*:$')
local told, open_keys, others = {}, {}, {}

local function note(child, state, text)
  if not told[child] then others[#others + 1] = child end
  told[child] = { state, text }
end

local function pairs_of(words, state)
  for index = 1, #words, 2 do note(words[index], state, words[index + 1]) end
end

for _, child in ipairs(call('SMEMBERS', key .. ':dependencies')) do
  open_keys[child] = true
  note(child)
end
for _, child in ipairs(call('ZRANGE', key .. ':unsuccessful', 0, -1)) do note(child, 'failed') end
pairs_of(call('HGETALL', key .. ':failed'), 'failed')
pairs_of(call('HGETALL', key .. ':processed'), 'completed')

local queues = {}
local answers = {}

local function answer(child, kind)
  local name, id = string.match(string.sub(child, #prefix + 1), '^([^:]*):(.+)$')
  if not name or string.sub(child, 1, #prefix) ~= prefix then return end
  local state, text = unpack(told[child], 1, 2)
  if not queues[name] then
    queues[name] = open(prefix .. name .. ':')
    promote_all(queues[name], tonumber(ARGV[1]))
  end
  local fields = redis.pcall('HMGET', child, 'name', 'failedReason')
  if fields.err then fields = {} end
  -- What is waited for and not there was let go of.
  if not state then state = state_of(queues[name], id) or 'failed' end
  if state ~= 'completed' then text = text or fields[2] end
  answers[#answers + 1] = { name, id, kind or fields[1] or '', state, text or '' }
end

-- Ours say in which order they were added, and what they are.
local read, listed = pcall(cjson.decode, call('HGET', key, 'ath:children') or '[]')
for _, child in ipairs(read and type(listed) == 'table' and listed or {}) do
  local known = prefix .. child[1] .. ':' .. child[2]
  if told[known] then
    answer(known, child[3])
    told[known] = nil
  end
end
table.sort(others)
for _, child in ipairs(others) do
  if told[child] then answer(child) end
end
return answers
