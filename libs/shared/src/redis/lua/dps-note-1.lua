-- Notes how far a session of DPS has come with some answers. The newest marks are kept; one that is
-- noted again is the newest again.
-- KEYS  list of marks
-- ARGV  life ms, marks to keep, mark...
for index = 3, #ARGV do
  redis.call('LREM', KEYS[1], 0, ARGV[index])
  redis.call('RPUSH', KEYS[1], ARGV[index])
end
redis.call('LTRIM', KEYS[1], -ARGV[2], -1)
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
