#!lua flags=no-writes
-- Panes of one shard: of each the cells of the groups ARGV, or all of them when none are given.
-- One answer instead of one for each key: it costs the reader a fifth of the time.
--
-- KEYS: the numbers of groups, then the panes.
-- Returns the numbers of ARGV (nil: no such group), then of each pane the cells of those that have one;
-- or, without ARGV, all groups with their numbers, then of each pane all numbers with their cells.

if not ARGV[1] then
  local found = {}
  for place, key in ipairs(KEYS) do
    found[place] = redis.call('HGETALL', key)
  end
  return found
end

local numbers = redis.call('HMGET', KEYS[1], unpack(ARGV))
local known = {}
for place = 1, #ARGV do
  known[#known + 1] = numbers[place] or nil
end

local found = {numbers}
for place = 2, #KEYS do
  found[place] = known[1] and redis.call('HMGET', KEYS[place], unpack(known)) or {}
end
return found
