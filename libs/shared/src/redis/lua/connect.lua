-- Registers clients with an edge and reads each client's queue. Idempotent.
-- KEYS  per client: presence, queue, queue top, acked; of its presence channel: subscribers, log, top
-- ARGV  edgeId, history size, history age ms, TTL of top ms, then per client: client, position that it has
--       seen or '', live channel of its presence, frame head, nonce
-- Returns per client the view (include/view.lua) of the queue after the position, or, without one, after
--       what any connection of the client has acknowledged
--@include positions
--@include append
--@include announce
--@include tokens
--@include view

local edgeId, size, ageMs, topTtlMs = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local views, key = {}, 1
for arg = 5, #ARGV, 5 do
  local presence, client, after = KEYS[key], ARGV[arg], ARGV[arg + 1]
  local list = redis.call('HGET', presence, client)
  if not list then
    redis.call('HSET', presence, client, edgeId)
  elseif not includes(list, edgeId) then
    redis.call('HSET', presence, client, list .. ',' .. edgeId)
  end
  announce({ KEYS[key + 4], KEYS[key + 5], KEYS[key + 6], ARGV[arg + 2], ARGV[arg + 3], ARGV[arg + 4],
    size, ageMs, topTtlMs }, 'online', 'null')
  if after == '' then after = redis.call('GET', KEYS[key + 3]) or '' end
  views[#views + 1] = view(KEYS[key + 1], KEYS[key + 2], nil, after)
  key = key + 7
end
return views
