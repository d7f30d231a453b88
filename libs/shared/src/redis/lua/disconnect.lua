-- Takes an edge out of clients' presence. Idempotent.
-- KEYS  per client: presence, lastseen, subscribers of its presence channel
-- ARGV  edgeId, then the clients
-- Returns per client { edges that still hold it, 1 if somebody watches it }
--@include positions
--@include tokens

local results, key = {}, 1
for arg = 2, #ARGV do
  local presence, client = KEYS[key], ARGV[arg]
  local list = redis.call('HGET', presence, client)
  local edges = without(list, ARGV[1])
  if list and #edges == 0 then
    redis.call('HDEL', presence, client)
    -- Refused when memory is out; the client is gone all the same.
    redis.pcall('ZADD', KEYS[key + 1], nowMs(), client)
  elseif list and list ~= table.concat(edges, ',') then
    redis.call('HSET', presence, client, table.concat(edges, ','))
  end
  results[#results + 1] = { #edges, redis.call('EXISTS', KEYS[key + 2]) }
  key = key + 3
end
return results
