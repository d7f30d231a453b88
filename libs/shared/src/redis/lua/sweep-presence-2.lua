-- One step of taking dead edges out of the presence of a partition.
-- KEYS  presence, lastseen
-- ARGV  cursor, clients to look at, then per dead edge: edgeId, unix ms when it was seen last
-- Returns { next cursor, clients from which an edge was taken, clients that have none any more }

local dead = {}
for index = 3, #ARGV, 2 do dead[ARGV[index]] = tonumber(ARGV[index + 1]) end

local function split(list)
  local rest, seenMs = {}, nil
  for edge in string.gmatch(list, '[^,]+') do
    if dead[edge] then
      seenMs = math.max(seenMs or 0, dead[edge])
    else
      rest[#rest + 1] = edge
    end
  end
  return rest, seenMs
end

local scan = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local changed, gone = 0, 0
for index = 1, #scan[2], 2 do
  local client = scan[2][index]
  local rest, seenMs = split(scan[2][index + 1])
  if seenMs then
    changed = changed + 1
    if #rest > 0 then
      redis.call('HSET', KEYS[1], client, table.concat(rest, ','))
    else
      -- Refused when memory is out, and then before anything was removed: who is gone is found by it.
      redis.call('ZADD', KEYS[2], 'GT', string.format('%.0f', seenMs), client)
      redis.call('HDEL', KEYS[1], client)
      gone = gone + 1
    end
  end
end
return { scan[1], changed, gone }
