-- Gives a channel of iComet a token, or keeps the one that it has, for a time that is set anew.
-- KEYS  token, number, log
-- ARGV  token if there is none, its time ms
-- Returns { token, number of the last message, entries of the log }
local token = redis.call('GET', KEYS[1]) or ARGV[1]
redis.call('SET', KEYS[1], token, 'PX', ARGV[2])
return { token, tonumber(redis.call('GET', KEYS[2]) or 0), redis.call('XLEN', KEYS[3]) }
