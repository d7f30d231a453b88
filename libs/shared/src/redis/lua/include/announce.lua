-- Writes `online` or `offline` into a client's presence channel, if an edge listens there and the
-- channel does not say so already: a page reload within the grace stays silent.
-- target: { subscribers, log, top, live channel, frame head, nonce, size, age ms, TTL of top ms }
local function announce(target, state, lastSeenMs)
  local subscribers, log, top, live, head, nonce = unpack(target)
  if redis.call('EXISTS', subscribers) == 0 then return end
  local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
  local mark = '"event":"' .. state .. '"'
  if last and string.find(last[2][2], mark, 1, true) then return end
  local body = '"data":{"lastSeen":' .. lastSeenMs .. '},' .. mark
  local prev, position =
    append(log, top, nonce, body, tonumber(target[7]), tonumber(target[8]), target[9])
  if not prev then return end
  redis.call('SPUBLISH', live, prev .. ' ' .. position .. '\n' .. head .. position .. '",' .. body .. '}')
end
