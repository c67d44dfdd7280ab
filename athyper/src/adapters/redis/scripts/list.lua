-- Jobs in the order they would run or did finish. KEYS[1]: the `meta` key of the queue. ARGV: the time, how many to pass over, how
-- many at most, the kind (or nothing), then the states in their order.

local queue = open(string.sub(KEYS[1], 1, -5))
promote_all(queue, tonumber(ARGV[1]))
local base = queue.base
local skip, limit, kind = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local PAGE = 500

-- A page of ids from the left end of an order.
local function sorted(key, reverse)
  return function(first, count)
    if reverse then return call('ZREVRANGE', base .. key, first, first + count - 1) end
    return call('ZRANGE', base .. key, first, first + count - 1)
  end
end

local function listed(key)
  return function(first, count)
    local page = call('LRANGE', base .. key, -first - count, -first - 1)
    local turned = {}
    for index = #page, 1, -1 do turned[#turned + 1] = page[index] end
    return turned
  end
end

-- The jobs with a priority and those that are held because of their serial key, in one order.
local function merged()
  if call('EXISTS', base .. 'ath:held') == 0 then return sorted('prioritized') end
  local all = call('ZUNION', 2, base .. 'prioritized', base .. 'ath:held')
  return function(first, count)
    local page = {}
    for index = first + 1, math.min(first + count, #all) do page[#page + 1] = all[index] end
    return page
  end
end

local function only(state, pages)
  return function(first, count)
    local page = {}
    for _, id in ipairs(pages(first, count)) do
      local parked = call('ZSCORE', base .. 'ath:parked', id) and true or false
      page[#page + 1] = parked == (state == 'parked') and id or false
    end
    return page
  end
end

local sources = {
  waiting = { listed('wait'), merged() },
  delayed = { only('delayed', sorted('delayed')) },
  parked = { only('parked', sorted('delayed')) },
  ['waiting-children'] = { sorted('waiting-children') },
  active = { listed('active') },
  completed = { sorted('completed', true) },
  failed = { sorted('failed', true) },
}

local found = {}
for at = 5, #ARGV do
  for _, pages in ipairs(sources[ARGV[at]] or {}) do
    local first = 0
    while #found < limit do
      local page = pages(first, PAGE)
      for _, id in ipairs(page) do
        if id and #found < limit and (kind == '' or call('HGET', base .. id, 'name') == kind) then
          if skip > 0 then skip = skip - 1 else found[#found + 1] = tell_of(queue, id, ARGV[at]) end
        end
      end
      if #page < PAGE then break end
      first = first + PAGE
    end
  end
end
return found
