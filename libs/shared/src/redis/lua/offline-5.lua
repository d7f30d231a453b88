-- Announces that a client went offline, if it still is after the grace.
-- KEYS  presence, lastseen; of its presence channel: subscribers, log, top
-- ARGV  client, live channel, frame head, nonce, history size, history age ms, TTL of top ms
-- Returns 1 if the client is offline
--@include positions
--@include append
--@include announce

if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 0 end
local target = { KEYS[3], KEYS[4], KEYS[5], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7] }
announce(target, 'offline', redis.call('ZSCORE', KEYS[2], ARGV[1]) or 'null')
return 1
