-- Says how many connections of a member an edge has in a channel. Idempotent. A value of the hash is
-- `edgeA=2,edgeB=1 <info>`.
-- KEYS  members, joined channels of the edge
-- ARGV  channel, edgeId, member, connections, info (JSON or ''), '1' if the edge has other members here,
--       live channel or '' (say nothing), member as JSON
-- Returns { 1 joined | -1 left | 0, members of the channel }
local channel, edgeId, member, connections = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local stored = redis.call('HGET', KEYS[1], member)
local counts, info = string.match(stored or ' ', '^(%S*) (.*)$')
local edges = {}
for edge, count in string.gmatch(counts, '([^=,]+)=(%d+)') do
  if edge ~= edgeId then edges[#edges + 1] = edge .. '=' .. count end
end
if connections > 0 then
  edges[#edges + 1] = edgeId .. '=' .. connections
  info = ARGV[5]
end

local change = 0
if #edges > 0 then
  if not stored then change = 1 end
  local value = table.concat(edges, ',') .. ' ' .. info
  if value ~= stored then redis.call('HSET', KEYS[1], member, value) end
elseif stored then
  change = -1
  redis.call('HDEL', KEYS[1], member)
end
if connections > 0 then
  redis.call('SADD', KEYS[2], channel)
elseif ARGV[6] ~= '1' then
  redis.call('SREM', KEYS[2], channel)
end

if change ~= 0 and ARGV[7] ~= '' then
  local kind = change == 1 and 'join' or 'leave'
  local frame = '{"type":"' .. kind .. '","channel":"' .. channel .. '","clientId":' .. ARGV[8]
  if info ~= '' then frame = frame .. ',"info":' .. info end
  redis.call('SPUBLISH', ARGV[7], '- ' .. kind .. '\n' .. frame .. '}')
end
return { change, redis.call('HLEN', KEYS[1]) }
