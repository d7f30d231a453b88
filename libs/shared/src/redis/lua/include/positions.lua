-- Positions are `<ms>-<seq>.<nonce>`; a top is the position of the last message ever published.

local function split(position)
  local ms, seq = string.match(position, '^(%d+)-(%d+)')
  return tonumber(ms), tonumber(seq)
end

-- In ids of today the milliseconds have 13 digits, so the text decides without any parsing.
local function above(id, prev)
  local ms, prevMs = string.sub(id, 1, 14), string.sub(prev, 1, 14)
  if string.byte(ms, 14) == 45 and string.byte(prevMs, 14) == 45 and ms ~= prevMs then
    return ms > prevMs
  end
  local idMs, idSeq = split(id)
  local topMs, topSeq = split(prev)
  return idMs > topMs or (idMs == topMs and idSeq > topSeq)
end

local function successor(position)
  local ms, seq = split(position)
  return string.format('%.0f-%.0f', ms, seq + 1)
end

local function nowMs()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
