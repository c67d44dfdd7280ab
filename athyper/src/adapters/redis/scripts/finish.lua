-- Records what became of attempts, and takes the next jobs. KEYS[1]: the `meta` key of the queue. ARGV: the time; how many
-- jobs to take (0 for none), for how many milliseconds, and for whom; then for each attempt the job, its token, the outcome, a
-- text, the text once more as a JSON string, and when the job is due next, in milliseconds and in microseconds. Answers with
-- a 1 for each outcome that was accepted, when the next job is due, and the jobs.

local now = tonumber(ARGV[1])
local queue = open(string.sub(KEYS[1], 1, -5))
promote(queue, now)

local ended, waiting, later = false, false, false
local back = {}

-- Lets a job wait for its next attempt.
local function postpone(job, fields, due, exact)
  fields[#fields + 1] = 'ath:due'
  fields[#fields + 1] = exact
  fields[#fields + 1] = 'delay'
  fields[#fields + 1] = string.format('%.0f', math.max(due - now, 0))
  if job.stalls > 0 then
    fields[#fields + 1] = 'stc'
    fields[#fields + 1] = '0'
  end
  call('HSET', job.key, unpack(fields))
  if due > now then
    put_off(queue, job.id, due)
    tell_delayed(queue, job.id, due)
    later = true
  else
    line_up(queue, job.id, job.priority, job.share, job.lifo)
    tell(queue, 'waiting', 'jobId', job.id, 'prev', 'active')
    waiting = true
  end
end

local function settle(job, outcome, text, quoted, due, exact)
  if job.cancelled then
    call('SREM', queue.base .. 'ath:cancelled', job.id)
    call('HDEL', job.key, 'ath:cancel')
    if outcome ~= 'complete' and outcome ~= 'fail' then outcome, text, quoted = 'fail', CANCELLED, '"' .. CANCELLED .. '"' end
  end
  if outcome == 'complete' or outcome == 'fail' or outcome == 'retry' then job.attempts_made = job.attempts_made + 1 end
  if outcome == 'complete' or outcome == 'fail' then
    local words = outcome == 'fail' and stacked(job, quoted) or {}
    if job.stalls > 0 then
      words[#words + 1] = 'stc'
      words[#words + 1] = '0'
    end
    conclude(queue, job, outcome == 'fail' and 'failed' or 'completed', text, words, now)
    ended = true
  else
    if outcome == 'retry' then
      local words = stacked(job, quoted)
      words[3], words[4], words[5], words[6] = 'failedReason', text, 'atm', job.attempts_made
      postpone(job, words, due, exact)
    elseif outcome == 'snooze' then
      postpone(job, {}, due, exact)
    elseif outcome == 'park' then
      local words = { 'failedReason', text }
      if due > now then
        words[3], words[4] = 'ath:parked', '1'
        call('ZADD', queue.base .. 'ath:parked', due, job.id)
      end
      postpone(job, words, due, exact)
    else
      back[#back + 1] = job
      waiting = true
    end
    call('DEL', job.key .. ':lock')
  end
  end_serial(queue, job.id, job.serial)
  end_tenant(queue, job.id, job.share)
end

-- Answers with a 1 if the job was held. Should a key hold what it should not, it is held as before.
local function give_back(id, token, ...)
  local job = read_job(queue, id)
  if job.started ~= token or call('LREM', queue.base .. 'active', -1, id) == 0 then return 0 end
  local settled, failure = pcall(settle, job, ...)
  if settled then return 1 end
  call('LPUSH', queue.base .. 'active', id)
  error(failure)
end

-- Completes a job that has nothing special about it.
local function complete(job, text)
  if call('LREM', queue.base .. 'active', -1, job.id) == 0 then return 0 end
  job.attempts_made = job.attempts_made + 1
  local settled, failure = pcall(conclude, queue, job, 'completed', text, {}, now)
  if settled then
    ended = true
    return 1
  end
  call('LPUSH', queue.base .. 'active', job.id)
  error(failure)
end

local verdicts, locks = {}, {}
for first = 5, #ARGV, 7000 do
  local keys = {}
  for at = first, math.min(first + 6999, #ARGV), 7 do keys[#keys + 1] = queue.base .. ARGV[at] .. ':lock' end
  for _, lock in ipairs(call('MGET', unpack(keys))) do locks[#locks + 1] = lock or '' end
end
for at = 5, #ARGV, 7 do
  local plain = ARGV[at + 2] == 'complete' and read_lock(queue, ARGV[at], ARGV[at + 1], locks[#verdicts + 1])
  local due = tonumber(ARGV[at + 5])
  verdicts[#verdicts + 1] = plain and complete(plain, ARGV[at + 3]) or not plain and give_back(ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], due, ARGV[at + 6])
end
for index = #back, 1, -1 do
  put_back(queue, back[index].id, back[index].place)
  tell(queue, 'waiting', 'jobId', back[index].id, 'prev', 'active')
end
settle_front(queue)
if ended then
  trim(queue)
  expire(queue, now)
end

local function is_empty()
  return call('LLEN', queue.base .. 'wait') == 0 and call('ZCARD', queue.base .. 'prioritized') == 0 and call('LLEN', queue.base .. 'active') == 0
end

-- Whether whoever wanted jobs would get some at another time: to listeners of BullMQ, such a queue is not drained.
local function is_more_to_come()
  if queue.paused or next_due(queue) then return true end
  return queue.max and queue.duration and tonumber(call('GET', queue.base .. 'limiter') or '0') >= queue.max
end

local request = { now = now, stamp = ARGV[1], max = tonumber(ARGV[2]), lock = ARGV[3], worker = ARGV[4] }
local handed = {}
if request.max > 0 then
  handed = take(queue, request)
  trim(queue)
end
if #handed == 0 then
  if waiting or (ended or later) and queue.cap then wake(queue) end
  if later then wake_later(queue) end
  if ended and is_empty() and not (request.max > 0 and is_more_to_come()) then tell(queue, 'drained') end
elseif later then
  wake_later(queue)
end
return { verdicts, look_again(queue, handed, now), handed }
