-- Stores private messages in their clients' queues and hands them to the edges that hold the clients.
-- KEYS  per message: queue, queue top, acked, presence, and once where the message has a key
-- ARGV  TTL of top ms, TTL of once ms, queue age ms, queue limit, frame head, edges that are overloaded
--       (by commas), then per message: body, and a tag of the nonce and 1 if it has a key, else 0
-- Returns per message: position, edges that took it; or position, -1 (repeated); or error text, -2;
--       or '', -3 (the queue is full); or '', -4 (an edge that holds the client is overloaded)
--@include positions
--@include append

local topTtlMs, onceTtlMs = ARGV[1], ARGV[2]
local ageMs, limit, head = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]

-- Entries that somebody acknowledged stay for the client's other connections and do not count.
local function full(queue, acked)
  if redis.call('XLEN', queue) < limit then return false end
  local oldest = string.format('%.0f', math.max(0, nowMs() - ageMs))
  redis.call('XTRIM', queue, 'MINID', oldest)
  if redis.call('XLEN', queue) < limit then return false end
  local after = string.match(redis.call('GET', acked) or '', '^%d+%-%d+')
  if not after then return true end
  return #redis.call('XRANGE', queue, '(' .. after, '+', 'COUNT', limit) >= limit
end

local overloaded = {}
for edge in string.gmatch(ARGV[6], '[^,]+') do overloaded[edge] = true end

local function isHeldByOverloaded(presence, client)
  if ARGV[6] == '' then return false end
  for edge in string.gmatch(redis.call('HGET', presence, client) or '', '[^,]+') do
    if overloaded[edge] then return true end
  end
  return false
end

local function deliver(presence, client, prefix, prev, position, body)
  local payload = 'private ' .. prev .. ' ' .. position .. ' ' .. client .. '\n'
    .. head .. position .. '",' .. body .. '}'
  local edges = 0
  for edge in string.gmatch(redis.call('HGET', presence, client) or '', '[^,]+') do
    if redis.call('SPUBLISH', prefix .. edge, payload) > 0 then edges = edges + 1 end
  end
  return edges
end

-- A queue's key is `halley:{tag}:queue:<client>`.
local function namesOf(queue)
  local tagged = string.find(queue, '}', 1, true)
  return string.sub(queue, tagged + 8), string.sub(queue, 1, tagged) .. ':edge:'
end

local answers, key = {}, 1
for arg = 7, #ARGV, 2 do
  local queue, top, acked, presence, once = KEYS[key], KEYS[key + 1], KEYS[key + 2], KEYS[key + 3], nil
  local body, tag = ARGV[arg], ARGV[arg + 1]
  local client, prefix = namesOf(queue)
  key = key + 4
  if string.byte(tag, 5) == 49 then
    once = KEYS[key]
    key = key + 1
  end
  local position, outcome = once and redis.call('GET', once), -1
  if not position then
    if isHeldByOverloaded(presence, client) then
      position, outcome = '', -4
    elseif full(queue, acked) then
      position, outcome = '', -3
    else
      local prev
      -- Acknowledged entries are bounded too: four queues' worth.
      prev, position = append(queue, top, string.sub(tag, 1, 4), body, 4 * limit, ageMs, topTtlMs)
      if prev then
        if once then redis.call('SET', once, position, 'PX', onceTtlMs) end
        outcome = deliver(presence, client, prefix, prev, position, body)
      else
        outcome = -2
      end
    end
  end
  answers[#answers + 1] = position
  answers[#answers + 1] = outcome
end
return answers
