-- One step of taking a dead edge out of the members of a channel. A value of the hash is
-- `edgeA=2,edgeB=1 <info>`.
-- KEYS  members, joined channels of the edge
-- ARGV  channel, edgeId, cursor, members to look at, live channel or '' (say nothing)
-- Returns { next cursor, members that left }
local channel, edgeId, live = ARGV[1], ARGV[2], ARGV[5]

local function tellLeft(member, info)
  -- JSON allows the `\/` of cjson, and nobody else here writes it.
  local name = string.gsub(cjson.encode(member), '\\/', '/')
  local frame = '{"type":"leave","channel":"' .. channel .. '","clientId":' .. name
  if info ~= '' then frame = frame .. ',"info":' .. info end
  redis.call('SPUBLISH', live, '- leave\n' .. frame .. '}')
end

local scan = redis.call('HSCAN', KEYS[1], ARGV[3], 'COUNT', ARGV[4])
local left = 0
for index = 1, #scan[2], 2 do
  local member, stored = scan[2][index], scan[2][index + 1]
  local counts, info = string.match(stored, '^(%S*) (.*)$')
  local rest, isHeld = {}, false
  for edge, count in string.gmatch(counts, '([^=,]+)=(%d+)') do
    if edge == edgeId then isHeld = true else rest[#rest + 1] = edge .. '=' .. count end
  end
  if isHeld and #rest > 0 then
    redis.call('HSET', KEYS[1], member, table.concat(rest, ',') .. ' ' .. info)
  elseif isHeld then
    redis.call('HDEL', KEYS[1], member)
    left = left + 1
    if live ~= '' then tellLeft(member, info) end
  end
end
if scan[1] == '0' then redis.call('SREM', KEYS[2], channel) end
return { scan[1], left }
