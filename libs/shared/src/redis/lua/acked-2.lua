-- Raises what a client has acknowledged. A stored value above the queue's top is of a queue that was
-- lost: it counts as none.
-- KEYS  acked, queue top
-- ARGV  position, TTL ms
-- Returns 1 if it was raised
--@include positions

local stored = redis.call('GET', KEYS[1])
if stored then
  local top = redis.call('GET', KEYS[2]) or '0-0'
  if not above(ARGV[1], stored) and not above(stored, top) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
