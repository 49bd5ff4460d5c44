#!lua
-- One commit of a shard: everything or nothing.
--
-- KEYS: the fence, then every other key that is written.
-- ARGV: the commit_id that the fence must hold ('' for none), the new one, then for each operation
--       its command, the number of its key, the number of its arguments, its arguments.
-- Returns the commit_id that the fence holds now. The new one: this commit is applied, by this call or,
-- when a lost reply made the client send it again, by an earlier one. Any other: nothing was written.
--
-- Redis does not roll back, so whatever could fail is checked before the first write. The line `#!lua` makes it
-- refuse the whole script beforehand when memory is full, on a replica, or when snapshots fail.

local current = redis.call('HGET', KEYS[1], 'commit_id') or ''
if current ~= ARGV[1] then
  return current
end

local TYPES = {HSET = 'hash', HDEL = 'hash', SADD = 'set', SREM = 'set', ZADD = 'zset', ZREM = 'zset'}
local allowed = {}
local place = 3
while ARGV[place] do
  local command, key = ARGV[place], KEYS[tonumber(ARGV[place + 1])]
  if not allowed[command] then
    -- The key in the arguments' place too: UNLINK takes every argument for a key.
    if not redis.acl_check_cmd(command, key, key, key) then
      return redis.error_reply('NOPERM this user may not run ' .. command)
    end
    allowed[command] = true
  end
  local wanted, found = TYPES[command], redis.call('TYPE', key).ok
  if wanted and found ~= wanted and found ~= 'none' then
    return redis.error_reply('WRONGTYPE ' .. key .. ' holds a ' .. found .. ', not a ' .. wanted)
  end
  place = place + 3 + tonumber(ARGV[place + 2])
end

place = 3
while ARGV[place] do
  local last = place + 2 + tonumber(ARGV[place + 2])
  redis.call(ARGV[place], KEYS[tonumber(ARGV[place + 1])], unpack(ARGV, place + 3, last))
  place = last + 1
end
return ARGV[2]
