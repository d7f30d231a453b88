-- Takes an edge out of a client's presence. Idempotent.
-- KEYS  presence, lastseen, subscribers of the client's presence channel
-- ARGV  client, edgeId
-- Returns { edges that still hold the client, 1 if somebody watches the client }
--@include positions
--@include tokens

local list = redis.call('HGET', KEYS[1], ARGV[1])
local edges = without(list, ARGV[2])
if list and #edges == 0 then
  redis.call('HDEL', KEYS[1], ARGV[1])
  -- Refused when memory is out; the client is gone all the same.
  redis.pcall('ZADD', KEYS[2], nowMs(), ARGV[1])
elseif list and list ~= table.concat(edges, ',') then
  redis.call('HSET', KEYS[1], ARGV[1], table.concat(edges, ','))
end
return { #edges, redis.call('EXISTS', KEYS[3]) }
