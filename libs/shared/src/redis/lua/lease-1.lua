-- Leases tokens of a bucket to one api, by the clock of this Redis.
-- KEYS  when the bucket is full again, us
-- ARGV  tokens per second, tokens that it holds at most, tokens wanted, tokens of those that are needed
-- Returns how many are leased: none, or what is there, at most what is wanted and at least what is
--         needed (more than a full bucket holds are lent by a full one); then us until it is full again
local rate, depth = tonumber(ARGV[1]), tonumber(ARGV[2])
local wanted, needed = tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local nowUs = time[1] * 1000000 + time[2]
local usedUs = math.max(0, tonumber(redis.call('GET', KEYS[1]) or '0') - nowUs)
local there = depth - usedUs * rate / 1000000
local leased = math.min(wanted, math.floor(there + 0.001))
if there + 0.001 >= math.min(needed, depth) then leased = math.max(leased, needed) end
if leased < needed then leased = 0 end
if leased <= 0 then return { 0, string.format('%.0f', usedUs) } end
usedUs = usedUs + leased * 1000000 / rate
redis.call('SET', KEYS[1], string.format('%.0f', nowUs + usedUs), 'PX', math.ceil(usedUs / 1000) + 1000)
return { leased, string.format('%.0f', usedUs) }
