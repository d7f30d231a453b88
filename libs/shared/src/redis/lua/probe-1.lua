-- Sends a nonce through pub/sub by the way that messages take: with a key, so that the node must own
-- the slot (an SPUBLISH alone is served even by a node that is giving the slot away).
-- KEYS  probe
-- ARGV  channel, nonce
redis.call('EXISTS', KEYS[1])
return redis.call('SPUBLISH', ARGV[1], ARGV[2])
