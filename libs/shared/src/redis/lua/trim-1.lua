-- Removes the lowest of a sorted set.
-- KEYS  sorted set
-- ARGV  highest score to remove, most entries to remove
-- Returns the number of entries removed
local ended = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
if #ended > 0 then redis.call('ZREM', KEYS[1], unpack(ended)) end
return #ended
