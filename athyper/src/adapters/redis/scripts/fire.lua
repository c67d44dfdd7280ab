-- Moves a schedule's mark to a tick and adds the tick's job, both or neither. KEYS[1]: the hash of the schedules' names; KEYS[2]: the
-- `meta` key of the job's queue, if there is a job. ARGV: the time, the schedule, the epoch, the tick in microseconds, a 1 if the
-- job of an earlier tick must have ended, then the job. Answers with what became of it, and the job's id.

local now, epoch, tick = tonumber(ARGV[1]), tonumber(ARGV[3]), tonumber(ARGV[4])
local key = KEYS[1] .. ':' .. ARGV[2]
local record = call('HMGET', key, 'epoch', 'mark', 'job')
if not record[1] then return { 'unknown', '' } end
if tonumber(record[1]) > epoch then return { 'stale', '' } end
if tick <= tonumber(record[2]) then return { 'fired', '' } end
call('HSET', key, 'mark', ARGV[4])
if not KEYS[2] then return { 'skipped', '' } end

local queue = open(string.sub(KEYS[2], 1, -5))
promote_all(queue, now)
local last = record[3]
if ARGV[5] == '1' and last and call('EXISTS', queue.base .. last) == 1 then
  local ended = call('ZSCORE', queue.base .. 'completed', last) or call('ZSCORE', queue.base .. 'failed', last)
  if not ended then return { 'skipped', '' } end
end
local holder = add(queue, 6)
announce(queue)
local id = holder or ARGV[7]
call('HSET', key, 'job', id)
return { 'added', id }
