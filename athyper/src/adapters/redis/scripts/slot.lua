-- While a slot moves to another node of a cluster some of its keys are here and some are there. A script that began would break
-- off at the first key that is not here, having written half of what it should. A key that exists nowhere tells beforehand.

do
  local answer = redis.pcall('EXISTS', KEYS[1] .. ':ath:nowhere')
  if type(answer) == 'table' and answer.err then
    if string.find(answer.err, 'non local key', 1, true) then
      return redis.error_reply('TRYAGAIN the slot of the queue is on its way to another node')
    end
    return answer
  end
end

