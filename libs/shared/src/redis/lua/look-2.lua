-- Reads the heartbeats of all edges, and writes: a look that Redis refused or lost proves nothing about
-- edges whose writes had the same fate.
-- KEYS  edges, last look
-- ARGV  who looks, TTL ms
-- Returns edgeId and heartbeat (unix ms) in turn
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
