-- Where a client of iComet, which counts messages, stands in a channel.
-- KEYS  log, top, number
-- ARGV  number of the message that the client wants next, 32 bits with a sign; 0: it does not count yet
-- Returns { number of the last message, now ms, top or '', position before the first message that the
-- client wants and the log holds, or '' }
--@include positions
local last, wanted = tonumber(redis.call('GET', KEYS[3]) or 0), tonumber(ARGV[1])
local behind = (last + 1 - wanted) % 4294967296
local before = ''
if wanted ~= 0 and behind > 0 and behind < 2147483648 then
  local entries
  if behind < redis.call('XLEN', KEYS[1]) then
    entries = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', behind)
  else
    entries = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)
  end
  local first = entries[#entries]
  if first then before = string.match(first[2][2], '^%S+') end
end
return { last, nowMs(), redis.call('GET', KEYS[2]) or '', before }
