#!lua
-- One commit of a shard: everything or nothing.
--
-- KEYS: the fence, then every other key that is written.
-- ARGV: the commit_id that the fence must hold ('' for none), the new one, then for each operation
--       its command, the number of its key, the number of its arguments, its arguments.
-- Besides those of Redis there are three commands: GROUPS takes names of groups and gives numbers to those that
-- have none; SETCELLS and DELCELLS are HSET and HDEL with places in all of these names instead of fields.
-- Returns the commit_id that the fence holds now. The new one: this commit is applied, by this call or,
-- when a lost reply made the client send it again, by an earlier one. Any other: nothing was written.
--
-- Redis does not roll back, so whatever could fail is checked before the first write. The line `#!lua` makes it
-- refuse the whole script beforehand when memory is full, on a replica, or when snapshots fail.

local current = redis.call('HGET', KEYS[1], 'commit_id') or ''
if current ~= ARGV[1] then
  return current
end

local TYPES = {
  HSET = 'hash', HDEL = 'hash', SADD = 'set', SREM = 'set', ZADD = 'zset', ZREM = 'zset',
  APPEND = 'string',
  GROUPS = 'hash', SETCELLS = 'hash', DELCELLS = 'hash',
}
local RUNS = {GROUPS = {'HMGET', 'HLEN', 'HSET'}, SETCELLS = {'HSET'}, DELCELLS = {'HDEL'}}
local allowed = {}
local place = 3
while ARGV[place] do
  local command, key = ARGV[place], KEYS[tonumber(ARGV[place + 1])]
  if not allowed[command] then
    for _, run in ipairs(RUNS[command] or {command}) do
      -- The key in the arguments' place too: UNLINK takes every argument for a key.
      if not redis.acl_check_cmd(run, key, key, key) then
        return redis.error_reply('NOPERM this user may not run ' .. run)
      end
    end
    allowed[command] = true
  end
  local wanted, found = TYPES[command], redis.call('TYPE', key).ok
  if wanted and found ~= wanted and found ~= 'none' then
    return redis.error_reply('WRONGTYPE ' .. key .. ' holds a ' .. found .. ', not a ' .. wanted)
  end
  place = place + 3 + tonumber(ARGV[place + 2])
end

local numbers = {}

local function number_groups(key, first, last)
  local found = redis.call('HMGET', key, unpack(ARGV, first, last))
  for place = first, last do
    local number = found[place - first + 1]
    if not number then
      number = redis.call('HLEN', key)  -- no group ever loses its number
      redis.call('HSET', key, ARGV[place], number)
    end
    numbers[#numbers + 1] = number
  end
end

local function run(command, key, first, last)
  if command == 'GROUPS' then
    return number_groups(key, first, last)
  elseif command == 'SETCELLS' or command == 'DELCELLS' then
    for place = first, last, command == 'SETCELLS' and 2 or 1 do
      ARGV[place] = numbers[tonumber(ARGV[place])]
    end
    command = RUNS[command][1]
  end
  redis.call(command, key, unpack(ARGV, first, last))
end

place = 3
while ARGV[place] do
  local last = place + 2 + tonumber(ARGV[place + 2])
  run(ARGV[place], KEYS[tonumber(ARGV[place + 1])], place + 3, last)
  place = last + 1
end
return ARGV[2]
