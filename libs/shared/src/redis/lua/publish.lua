-- Stores and announces messages of channels, in the order given. In a Cluster all of one slot.
-- KEYS  per message: log, top, number where the messages are numbered, once where it has an idempotency key
-- ARGV  TTL of top ms, TTL of once ms, frame up to the channel, frame from the channel to the id, number of
--       histories, then per history: size, age ms; then per message: body, and a tag of the nonce, flags (1: it
--       has a key, 2: it is numbered, added) and its history (from 1)
-- Returns per message: position, edges that took it; or position, -1 (repeated); or error text, -2
--@include positions
--@include append

local topTtlMs, onceTtlMs, beforeChannel, afterChannel = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local histories, first = {}, 6 + 2 * tonumber(ARGV[5])
for arg = 6, first - 1, 2 do
  histories[#histories + 1] = { tonumber(ARGV[arg]), tonumber(ARGV[arg + 1]) }
end

-- A log's key is `halley:{tag}:log:<channel>`.
local function namesOf(log)
  local tagged = string.find(log, '}', 1, true)
  local channel = string.sub(log, tagged + 6)
  return channel, string.sub(log, 1, tagged) .. ':ch:' .. channel
end

local answers, key = {}, 1
for arg = first, #ARGV, 2 do
  local log, top, counter, once = KEYS[key], KEYS[key + 1], nil, nil
  local body, tag = ARGV[arg], ARGV[arg + 1]
  local flags = string.byte(tag, 5) - 48
  key = key + 2
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
    local history = histories[tonumber(string.sub(tag, 6))]
    local size, ageMs = history[1], history[2]
    local number = counter and string.format('%.0f', tonumber(redis.call('GET', counter) or 0) + 1)
    if number then body = body .. ',"number":' .. number end
    local prev, position = append(log, top, string.sub(tag, 1, 4), body, size, ageMs, topTtlMs)
    if prev then
      if once then redis.call('SET', once, position, 'PX', onceTtlMs) end
      if number then redis.call('SET', counter, number, 'PX', math.max(tonumber(topTtlMs), 2 * ageMs)) end
      local channel, live = namesOf(log)
      answers[#answers + 1] = position
      answers[#answers + 1] = redis.call('SPUBLISH', live, prev .. ' ' .. position .. '\n'
        .. beforeChannel .. channel .. afterChannel .. position .. '",' .. body .. '}')
    else
      answers[#answers + 1] = position
      answers[#answers + 1] = -2
    end
  end
end
return answers
