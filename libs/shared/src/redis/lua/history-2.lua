-- Reads a page of a log.
-- KEYS  log, top
-- ARGV  'after' or 'before', exclusive stream id or '', limit, age ms
-- Returns { now ms, top or '', then per entry in ascending order: id, 'prev nonce body' }
--@include positions

local now = nowMs()
local oldest = string.format('%.0f', math.max(0, now - tonumber(ARGV[4])))
local bound = ARGV[2] ~= '' and '(' .. ARGV[2] or nil
local result = { now, redis.call('GET', KEYS[2]) or '' }
local entries = {}
if ARGV[1] == 'after' then
  local from = oldest
  if bound and tonumber(string.match(ARGV[2], '^%d+')) >= tonumber(oldest) then from = bound end
  entries = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', ARGV[3])
elseif ARGV[2] ~= '0-0' then -- Nothing lies before it, and Redis takes it for no bound.
  entries = redis.call('XREVRANGE', KEYS[1], bound or '+', oldest, 'COUNT', ARGV[3])
end
local first, last, step = 1, #entries, 1
if ARGV[1] == 'before' then first, last, step = #entries, 1, -1 end
for index = first, last, step do
  result[#result + 1] = entries[index][1]
  result[#result + 1] = entries[index][2][2]
end
return result
