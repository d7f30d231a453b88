-- Reads a log for a resume.
-- KEYS  log, top, cut
-- ARGV  position after which to read, or ''
-- Returns the view (include/view.lua)
--@include positions
--@include view
return view(KEYS[1], KEYS[2], KEYS[3], ARGV[1])
