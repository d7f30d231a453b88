-- Says how many listeners an edge has on a channel, and what the channel's top is.
-- KEYS  subscribers, channels, top, log, presence, lastseen
-- ARGV  channel, edgeId, listeners, occupancy channel, client whose presence the channel carries or '', live channel,
--       frame head, nonce, history size, history age ms, TTL of top ms
-- Returns { 1 occupied | -1 vacated | 0, now ms, top or '' }
--@include positions
--@include append
--@include announce

local channel, edgeId, listeners = ARGV[1], ARGV[2], tonumber(ARGV[3])
local before = redis.call('EXISTS', KEYS[1])
if listeners > 0 then
  redis.call('HSET', KEYS[1], edgeId, listeners)
else
  redis.call('HDEL', KEYS[1], edgeId)
end
local change = redis.call('EXISTS', KEYS[1]) - before
if change == 1 then redis.call('ZADD', KEYS[2], 0, channel) end
if change == -1 then redis.call('ZREM', KEYS[2], channel) end
if change ~= 0 then redis.call('SPUBLISH', ARGV[4], (change == 1 and '1 ' or '0 ') .. channel) end
-- A watcher's first look must find the present state in the log. While somebody watches, the log has it,
-- unless it has expired; and a client in its grace is not offline yet.
if ARGV[5] ~= '' and (change == 1 or (listeners > 0 and redis.call('EXISTS', KEYS[4]) == 0)) then
  local target = { KEYS[1], KEYS[4], KEYS[3], ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[11] }
  if redis.call('HEXISTS', KEYS[5], ARGV[5]) == 1 then
    announce(target, 'online', 'null')
  else
    announce(target, 'offline', redis.call('ZSCORE', KEYS[6], ARGV[5]) or 'null')
  end
end
return { change, nowMs(), redis.call('GET', KEYS[3]) or '' }
