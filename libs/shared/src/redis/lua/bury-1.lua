-- Declares an edge dead, or reads what was declared of it.
-- KEYS  tombstone
-- ARGV  last heartbeat, ms without one, TTL ms, new state or '' (leave it)
-- Returns { unix ms when the edge was seen last, state }
--@include positions

local beat, seenMs, state = string.match(redis.call('GET', KEYS[1]) or '', '^(%S+) (%d+) (%S+)$')
if beat ~= ARGV[1] then
  seenMs, state = string.format('%.0f', nowMs() - tonumber(ARGV[2])), 'buried'
elseif ARGV[4] == '' or ARGV[4] == state then
  return { seenMs, state }
end
if ARGV[4] ~= '' then state = ARGV[4] end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. seenMs .. ' ' .. state, 'PX', ARGV[3])
return { seenMs, state }
