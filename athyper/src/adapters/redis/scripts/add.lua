-- Adds jobs, all of them or none. KEYS: the `meta` key of each queue. ARGV: the time, then the jobs. Answers for each with the
-- id that stands for it, or nothing if it was added.

local now = tonumber(ARGV[1])
local queues = {}
for index, meta in ipairs(KEYS) do
  queues[index] = open(string.sub(meta, 1, -5))
  promote_all(queues[index], now)
end

local answers = {}
local at = 2
while ARGV[at] do
  local after, holder = add(queues[tonumber(ARGV[at])], at)
  answers[#answers + 1] = holder or ''
  at = after
end
for _, queue in ipairs(queues) do announce(queue) end
return answers
