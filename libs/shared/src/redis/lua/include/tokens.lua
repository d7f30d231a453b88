-- Lists like `edgeA,edgeB`: compared item by item, since `h:81` is a part of `h:8100`, and without
-- patterns, in which `-` and `.` have a meaning of their own.
local function without(list, token)
  local rest = {}
  for item in string.gmatch(list or '', '[^,]+') do
    if item ~= token then rest[#rest + 1] = item end
  end
  return rest
end

local function includes(list, token)
  for item in string.gmatch(list, '[^,]+') do
    if item == token then return true end
  end
  return false
end
