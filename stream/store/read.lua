#!lua flags=no-writes
-- Hashes of one shard: of each of KEYS the fields ARGV, or the whole hash when there are none.
-- One answer instead of one for each key: it costs the reader a fifth of the time.

local found = {}
for place, key in ipairs(KEYS) do
  if ARGV[1] then
    found[place] = redis.call('HMGET', key, unpack(ARGV))
  else
    found[place] = redis.call('HGETALL', key)
  end
end
return found
