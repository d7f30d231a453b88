-- Stores and announces messages of channels, in the order given. In a Cluster all of one slot.
-- KEYS  per message: log, top, number where the messages are numbered, once where it has an idempotency key
-- ARGV  TTL of top ms, TTL of once ms, then per message:
--       live channel, frame head, body, nonce, history size, history age ms, flags (1: it has a key,
--       2: it is numbered), added
-- Returns per message: position, edges that took it; or position, -1 (repeated); or error text, -2
--@include positions
--@include append

local topTtlMs, onceTtlMs = ARGV[1], ARGV[2]
local answers, key = {}, 1
for arg = 3, #ARGV, 7 do
  local log, top, counter, once = KEYS[key], KEYS[key + 1], nil, nil
  key = key + 2
  local flags = tonumber(ARGV[arg + 6])
  if flags >= 2 then
    counter = KEYS[key]
    key = key + 1
  end
  if flags % 2 == 1 then
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
    local number = counter and string.format('%.0f', tonumber(redis.call('GET', counter) or 0) + 1)
    if number then body = body .. ',"number":' .. number end
    local prev, position = append(log, top, ARGV[arg + 3], body, size, ageMs, topTtlMs)
    if prev then
      if once then redis.call('SET', once, position, 'PX', onceTtlMs) end
      if number then redis.call('SET', counter, number, 'PX', math.max(tonumber(topTtlMs), 2 * ageMs)) end
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
