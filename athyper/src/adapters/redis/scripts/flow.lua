-- Adds a flow: a parent, its children and theirs, all of them or none. KEYS: the `meta` key of each queue. ARGV: the time, then the jobs,
-- parents first. A job begins with the number of its parent among them (0 for none), a 1 if it has children, its parent's key, and what it
-- says of its parent as JSON; the rest is as `adding.lua` says. `answers` has for each the id that stands for it, or nothing if it was
-- added; if nothing was, the answer is one list, of a child and its other parent.

local now = tonumber(ARGV[1])
local queues = {}
for index, meta in ipairs(KEYS) do
  queues[index] = open(string.sub(meta, 1, -5))
  promote_all(queues[index], now)
end

-- Whether the parent that a job names has not ended.
local function lives(parent, text)
  local flags = read_flags(text)
  if call('EXISTS', parent) == 0 then return false end
  if not (flags.id and flags.queueKey) then return true end
  return not (call('ZSCORE', flags.queueKey .. ':completed', flags.id) or call('ZSCORE', flags.queueKey .. ':failed', flags.id))
end

-- First it is found out where each job comes to stand: nothing is written until nothing is refused.
local jobs, fresh, marks, parents = {}, {}, {}, {}
local next_at = 2
while ARGV[next_at] do
  local at = next_at + 4
  local job = { at = at, above = tonumber(ARGV[next_at]), is_parent = ARGV[next_at + 1] == '1', parent = ARGV[next_at + 2], told = ARGV[next_at + 3] }
  jobs[#jobs + 1] = job
  next_at = after(at)
  job.queue, job.id = queues[tonumber(ARGV[at])], ARGV[at + 1]
  job.key, job.unique = job.queue.base .. job.id, ARGV[at + 5]
  local above = jobs[job.above]
  if above and (above.is_below or above.stands) then
    job.is_below = true
  else
    local mark = job.unique ~= '' and job.queue.base .. 'de:' .. job.unique
    if fresh[job.key] or call('EXISTS', job.key) == 1 then
      job.stands = job.id
    elseif mark then
      job.stands = marks[mark] or call('GET', mark)
      job.is_held = job.stands and true
    end
    if not job.stands then
      fresh[job.key] = true
      parents[job.key] = job.parent
      if mark then marks[mark] = job.id end
    elseif above then
      local key = job.queue.base .. job.stands
      local current = parents[key]
      if current == nil then
        local fields = call('HMGET', key, 'parentKey', 'parent')
        current = fields[1] and lives(fields[1], fields[2]) and fields[1] or ''
      end
      if current ~= '' and current ~= job.parent then return { { job.stands, current } } end
      parents[key] = job.parent
      job.key = key
    end
  end
end

local written = {}

local function add_job(job)
  local queue, base, id = job.queue, job.queue.base, job.id
  if job.stands then
    if job.is_held then
      tell(queue, 'deduplicated', 'jobId', job.stands, 'deduplicationId', job.unique, 'deduplicatedJobId', id)
    else
      tell(queue, 'duplicated', 'jobId', job.stands)
    end
    -- Its key may have outlasted it: there is nothing to wait for.
    if job.above == 0 or call('EXISTS', job.key) == 0 then return end
    local before = call('HMGET', job.key, 'parentKey', 'parent')
    -- Of what is said of a child twice the first counts.
    if before[1] ~= job.parent then
      written[#written + 1] = { job = job, before = before }
      -- Who waited for it before has ended, and would wait for ever if it were tried again.
      if before[1] then written[#written].was_open = call('SREM', before[1] .. ':dependencies', job.key) == 1 end
      call('HSET', job.key, 'parentKey', job.parent, 'parent', job.told)
      look_at_end(queue, job.stands)
    end
    job.is_attached = true
  else
    written[#written + 1] = { job = job }
    if job.is_parent then
      if job.unique ~= '' then call('SET', base .. 'de:' .. job.unique, id, 'PX', ARGV[job.at + 6]) end
      call('ZADD', base .. 'waiting-children', now, id)
      write(queue, job.at)
      tell(queue, 'waiting-children', 'jobId', id)
    else
      add(queue, job.at)
    end
  end
  if job.above > 0 then
    call('SADD', job.parent .. ':dependencies', job.key)
    local above = jobs[job.above]
    above.children = above.children or {}
    local kind = job.stands and call('HGET', job.key, 'name') or ARGV[job.at + HEAD + 1]
    table.insert(above.children, { string.match(base, '([^:]*):$'), string.sub(job.key, #base + 1), kind })
  end
end

local function add_all()
  for _, job in ipairs(jobs) do
    if not job.is_below then add_job(job) end
  end
  -- What stood there already may have ended.
  for _, job in ipairs(jobs) do
    if job.children then call('HSET', job.key, 'ath:children', cjson.encode(job.children)) end
    if job.is_attached then
      local child = { id = job.stands, key = job.key, parent_key = job.parent, parent = job.told }
      if call('ZSCORE', job.queue.base .. 'completed', job.stands) then
        tell_parent(child, 'completed', call('HGET', job.key, 'returnvalue') or 'null', now)
      elseif call('ZSCORE', job.queue.base .. 'failed', job.stands) then
        tell_parent(child, 'failed', call('HGET', job.key, 'failedReason') or '', now)
      end
    end
  end
  for index = #jobs, 1, -1 do
    local job = jobs[index]
    if job.is_parent and not job.stands and not job.is_below and call('SCARD', job.key .. ':dependencies') == 0 then
      release_parent(job.key, { id = job.id, queueKey = string.sub(job.queue.base, 1, -2) }, nil, now)
    end
  end
end

-- Should a key hold what it should not, nothing is left of what was written.
local added, failure = pcall(add_all)
if not added then
  for _, entry in ipairs(written) do
    local job, before = entry.job, entry.before
    local base = job.queue.base
    if before then
      if entry.was_open then call('SADD', before[1] .. ':dependencies', job.key) end
      for index, field in ipairs({ 'parentKey', 'parent' }) do
        if before[index] then call('HSET', job.key, field, before[index]) else call('HDEL', job.key, field) end
      end
    else
      for _, set in ipairs({ 'waiting-children', 'delayed', 'prioritized' }) do redis.pcall('ZREM', base .. set, job.id) end
      redis.pcall('LREM', base .. 'wait', 0, job.id)
      if job.unique ~= '' and call('GET', base .. 'de:' .. job.unique) == job.id then call('DEL', base .. 'de:' .. job.unique) end
      forget(job.queue, job.id)
    end
  end
  error(failure)
end
for _, queue in ipairs(queues) do announce(queue) end
local answers = {}
for index, job in ipairs(jobs) do answers[index] = job.stands or job.is_below and job.id or '' end
