-- Stores and announces messages of channels, in the order given. In a Cluster all of one slot.
-- KEYS  per message: log, top, and once where the message has an idempotency key
-- ARGV  TTL of top ms, TTL of once ms, then per message:
--       live channel, frame head, body, nonce, history size, history age ms, '1' if it has a key
-- Returns per message: position, edges that took it; or position, -1 (repeated); or error text, -2
--@include positions
--@include append

local topTtlMs, onceTtlMs = ARGV[1], ARGV[2]
local answers, key = {}, 1
for arg = 3, #ARGV, 7 do
  local log, top, once = KEYS[key], KEYS[key + 1], nil
  key = key + 2
  if ARGV[arg + 6] == '1' then
    once = KEYS[key]
    key = key + 1
  end
  local repeated = once and redis.call('GET', once)
  if repeated then
    answers[#answers + 1] = repeated
    answers[#answers + 1] = -1
  else
    local body = ARGV[arg + 2]
    local size, ageMs = tonumber(ARGV[arg + 4]), tonumber(ARGV[arg + 5])
    local prev, position = append(log, top, ARGV[arg + 3], body, size, ageMs, topTtlMs)
    if prev then
      if once then redis.call('SET', once, position, 'PX', onceTtlMs) end
      local frame = ARGV[arg + 1] .. position .. '",' .. body .. '}'
      answers[#answers + 1] = position
      answers[#answers + 1] =
        redis.call('SPUBLISH', ARGV[arg], prev .. ' ' .. position .. '\n' .. frame)
    else
      answers[#answers + 1] = position
      answers[#answers + 1] = -2
    end
  end
end
return answers
