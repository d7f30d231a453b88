local limits = {}
-- As text: a number would be printed anew by each call.
local function limitOf(size)
  limits[size] = limits[size] or string.format('%.0f', size + 1)
  return limits[size]
end

-- Adds one entry. The XADD comes before any other write: under memory pressure Redis refuses a script
-- only at such a write, and nothing may be announced that was not stored.
-- Returns the position before and the new one, or nil and the error's text.
local function append(log, top, nonce, body, size, ageMs, topTtlMs)
  local prev = redis.call('GET', top) or '0-0'
  if size == 0 then
    local id = string.format('%.0f-0', nowMs())
    if not above(id, prev) then id = successor(prev) end
    local kept = redis.pcall('SET', top, id .. '.' .. nonce, 'PX', topTtlMs)
    if kept.err then return nil, kept.err end
    -- Of a time when this stream kept a history: it would go on with a hole, and prove what is not so.
    redis.call('UNLINK', log)
    return prev, id .. '.' .. nonce
  end

  local entry = prev .. ' ' .. nonce .. ' ' .. body
  local id = redis.pcall('XADD', log, 'MAXLEN', '~', limitOf(size), '*', 'd', entry)
  if type(id) == 'table' then return nil, id.err end
  -- Only a log that is new after a clock step can begin below its top.
  if not above(id, prev) then
    redis.call('XDEL', log, id)
    id = redis.call('XADD', log, 'MAXLEN', '~', limitOf(size), successor(prev), 'd', entry)
  end
  local position = id .. '.' .. nonce
  if redis.call('PTTL', log) < ageMs then
    local ms = split(id)
    redis.call('PEXPIRE', log, 2 * ageMs)
    redis.call('XTRIM', log, 'MINID', '~', string.format('%.0f', math.max(0, ms - ageMs)))
    -- A log that outlived its top would go on as if nothing had been before.
    redis.call('SET', top, position, 'PX', math.max(tonumber(topTtlMs), 2 * ageMs))
  else
    redis.call('SET', top, position, 'KEEPTTL')
  end
  return prev, position
end
