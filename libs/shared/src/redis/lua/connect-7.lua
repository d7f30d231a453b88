-- Registers a client with an edge and reads the client's queue. Idempotent.
-- KEYS  presence, queue, queue top, acked; of its presence channel: subscribers, log, top
-- ARGV  client, edgeId, position that the client has seen or '', live channel, frame head, nonce,
--       history size, history age ms, TTL of top ms
-- Returns the view (include/view.lua) of the queue after the position, or, without one, after what
--       any connection of the client has acknowledged
--@include positions
--@include append
--@include announce
--@include tokens
--@include view

local presence, client, edgeId = KEYS[1], ARGV[1], ARGV[2]
local list = redis.call('HGET', presence, client)
if not list then
  redis.call('HSET', presence, client, edgeId)
elseif not includes(list, edgeId) then
  redis.call('HSET', presence, client, list .. ',' .. edgeId)
end
local target = { KEYS[5], KEYS[6], KEYS[7], ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9] }
announce(target, 'online', 'null')
local after = ARGV[3]
if after == '' then after = redis.call('GET', KEYS[4]) or '' end
return view(KEYS[2], KEYS[3], nil, after)
