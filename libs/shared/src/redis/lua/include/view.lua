-- What a resume has to know of a stream, read at one instant.
-- Returns { now ms, top or '', cut or '', found (1: the entries follow `after`; 0: they are the whole
-- log), then per entry: id, 'prev nonce body' }
local function view(log, top, cut, after)
  local cutAt = cut and redis.call('GET', cut) or ''
  local result = { nowMs(), redis.call('GET', top) or '', cutAt, 0 }
  local id, nonce = string.match(after, '^(%d+%-%d+)%.(%w+)$')
  local from = '-'
  if id and (cutAt == '' or above(after, cutAt)) then
    local entry = redis.call('XRANGE', log, id, id)[1]
    if entry and string.match(entry[2][2], '^%S+ (%w+) ') == nonce then
      result[4] = 1
      from = '(' .. id
    end
  end
  for _, entry in ipairs(redis.call('XRANGE', log, from, '+')) do
    result[#result + 1] = entry[1]
    result[#result + 1] = entry[2][2]
  end
  return result
end
