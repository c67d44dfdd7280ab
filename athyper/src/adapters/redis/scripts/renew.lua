-- Holds jobs for longer. KEYS[1]: the `meta` key of the queue. ARGV: for how many milliseconds; then for each the job and its
-- token. Answers with a 1 for each that is still held.

local base = string.sub(KEYS[1], 1, -5)
local answers = {}
for at = 2, #ARGV, 2 do
  local id, lock = ARGV[at], 'ath:' .. ARGV[at + 1]
  local key = base .. id
  local holder = redis.call('GET', key .. ':lock')
  local held = holder == lock or holder and string.sub(holder, 1, #lock + 1) == lock .. ':'
  if not holder and redis.call('HGET', key, 'ats') == ARGV[at + 1] then
    -- It ran out, and nobody has taken the job back yet.
    held = redis.call('LPOS', base .. 'active', id)
  end
  if held then redis.call('SET', key .. ':lock', holder or lock, 'PX', ARGV[1]) end
  answers[#answers + 1] = held and 1 or 0
end
return answers
