-- Takes dead edges out of the subscribers of some channels of a partition, and channels without
-- subscribers out of the live ones.
-- KEYS  live channels, then the subscribers of each channel
-- ARGV  occupancy channel, number of dead edges, edgeId..., channel...
-- Returns { subscriptions of dead edges, channels that nobody holds any more }
local dead = tonumber(ARGV[2])
local edges = {}
for index = 3, 2 + dead do edges[#edges + 1] = ARGV[index] end

local taken, vacated = 0, 0
for index = 2, #KEYS do
  local channel = ARGV[1 + dead + index]
  if dead > 0 then taken = taken + redis.call('HDEL', KEYS[index], unpack(edges)) end
  if redis.call('EXISTS', KEYS[index]) == 0 and redis.call('ZREM', KEYS[1], channel) == 1 then
    vacated = vacated + 1
    redis.call('SPUBLISH', ARGV[1], '0 ' .. channel)
  end
end
return { taken, vacated }
