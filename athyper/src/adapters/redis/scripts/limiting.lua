-- What keeps the jobs of each tenant within the queue's limits. Needs common.lua and places.lua.
--
-- `ath:tenants` counts the jobs of each tenant that run, `ath:limited` says which those are; `ath:starts` counts those that were
-- started in a tenant's period, `ath:periods` says when it ends. Ready jobs beyond the limits are held in `ath:beyond:TENANT`, and
-- `ath:crowded` says of which tenants there are any.

local function beyond(share) return 'ath:beyond:' .. share end

-- Whether one more job of a tenant may run.
local function has_room(queue, share, now)
  local limit = queue.tenant
  if limit.cap and tonumber(call('HGET', queue.base .. 'ath:tenants', share) or '0') >= limit.cap then return false end
  if limit.max then
    local ends = tonumber(call('ZSCORE', queue.base .. 'ath:periods', share) or '0')
    if ends > now and tonumber(call('HGET', queue.base .. 'ath:starts', share) or '0') >= limit.max then return false end
  end
  return true
end

-- How many jobs of a tenant it makes sense to let go at once.
local function most_at_once(queue)
  local limit = queue.tenant
  return math.min(limit.cap or limit.max, limit.max or limit.cap, 10000)
end

-- Holds a ready job until its tenant has room again.
local function hold_back(queue, id, place, share)
  hold(queue, id, place, beyond(share))
  call('SADD', queue.base .. 'ath:crowded', share)
end

-- A job of a tenant is in somebody's hands.
local function begin_tenant(queue, id, share)
  -- Node may have taken it back from us, and knows nothing of this.
  if call('HSET', queue.base .. 'ath:limited', id, share) == 1 then call('HINCRBY', queue.base .. 'ath:tenants', share, 1) end
end

local function count_start(queue, share, now)
  local ends = tonumber(call('ZSCORE', queue.base .. 'ath:periods', share) or '0')
  if ends > now then
    call('HINCRBY', queue.base .. 'ath:starts', share, 1)
  else
    call('ZADD', queue.base .. 'ath:periods', now + queue.tenant.duration, share)
    call('HSET', queue.base .. 'ath:starts', share, 1)
  end
end

-- A job with a tenant is in nobody's hands any more.
local function end_tenant(queue, id, share)
  if not share or call('HDEL', queue.base .. 'ath:limited', id) == 0 then return end
  if call('HINCRBY', queue.base .. 'ath:tenants', share, -1) <= 0 then call('HDEL', queue.base .. 'ath:tenants', share) end
  free_held(queue, beyond(share), 1)
end

-- The tenants whose period has ended may start jobs again.
local function end_periods(queue, now)
  for _, share in ipairs(call('ZRANGEBYSCORE', queue.base .. 'ath:periods', '-inf', now, 'LIMIT', 0, 100)) do
    call('ZREM', queue.base .. 'ath:periods', share)
    call('HDEL', queue.base .. 'ath:starts', share)
    free_held(queue, beyond(share), most_at_once(queue))
  end
end

-- Lets jobs go whose tenants have room after all: others may have taken, or removed, what was let go before them.
local function look_after_crowded(queue, now)
  for _, share in ipairs(call('SRANDMEMBER', queue.base .. 'ath:crowded', 1000)) do
    if call('EXISTS', queue.base .. beyond(share)) == 0 then
      call('SREM', queue.base .. 'ath:crowded', share)
    elseif has_room(queue, share, now) then
      free_held(queue, beyond(share), most_at_once(queue))
    end
  end
end

-- There are no limits of tenants any more: lets jobs go that were beyond them, so many at a time.
local function free_lifted(queue)
  local left = 1000
  while left > 0 do
    local share = call('SRANDMEMBER', queue.base .. 'ath:crowded')
    if not share then
      call('HDEL', queue.base .. 'meta', 'ath:lifted')
      break
    end
    left = left - free_held(queue, beyond(share), left)
    if left > 0 then call('SREM', queue.base .. 'ath:crowded', share) end
  end
end
