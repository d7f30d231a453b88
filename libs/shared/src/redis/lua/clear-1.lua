-- Clears a channel's history and tells the edges to forget their copies. Never by DEL: ids go on.
-- KEYS  log
-- ARGV  live channel
-- Returns the number of messages removed
local removed = redis.call('XTRIM', KEYS[1], 'MAXLEN', 0)
redis.call('SPUBLISH', ARGV[1], '- clear\n')
return removed
