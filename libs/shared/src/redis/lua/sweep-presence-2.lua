-- One step of taking dead edges out of the presence of a partition.
-- KEYS  presence, lastseen
-- ARGV  cursor, clients to look at, then per dead edge: edgeId, unix ms when it was seen last
-- Returns { next cursor, clients from which an edge was taken, clients that have none any more }

-- Arguments of one call: Lua's stack takes 8000.
local BATCH = 1000

local dead = {}
for index = 3, #ARGV, 2 do dead[ARGV[index]] = ARGV[index + 1] end

local function split(list)
  local rest, seenMs = {}, nil
  for edge in string.gmatch(list, '[^,]+') do
    local edgeSeenMs = dead[edge]
    if not edgeSeenMs then
      rest[#rest + 1] = edge
    elseif not seenMs or tonumber(edgeSeenMs) > tonumber(seenMs) then
      seenMs = edgeSeenMs
    end
  end
  return rest, seenMs
end

local function callInBatches(arguments, ...)
  for first = 1, #arguments, BATCH do
    local batch = { ... }
    for index = first, math.min(first + BATCH - 1, #arguments) do
      batch[#batch + 1] = arguments[index]
    end
    redis.call(unpack(batch))
  end
end

local scan = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local kept, gone, seen = {}, {}, {}
for index = 1, #scan[2], 2 do
  local client = scan[2][index]
  local rest, seenMs = split(scan[2][index + 1])
  if seenMs and #rest > 0 then
    kept[#kept + 1] = client
    kept[#kept + 1] = table.concat(rest, ',')
  elseif seenMs then
    gone[#gone + 1] = client
    seen[#seen + 1] = seenMs
    seen[#seen + 1] = client
  end
end
-- These two are refused when memory is out, and then before anything was removed: who is gone is found by
-- `lastseen`.
callInBatches(kept, 'HSET', KEYS[1])
callInBatches(seen, 'ZADD', KEYS[2], 'GT')
callInBatches(gone, 'HDEL', KEYS[1])
return { scan[1], #gone + #kept / 2, #gone }
