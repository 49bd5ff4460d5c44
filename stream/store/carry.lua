#!lua
-- Takes over a part of a shard of another generation, as it is at one moment: everything or nothing.
--
-- KEYS: the fence, index, notes of written panes and states here; the fence there; then, in pairs, the keys
--       that are copied: there, here.
-- ARGV: the commit_id that the fence here must hold ('' for none), the new one, the one that the fence there must
--       hold, `carried_ms`, how many names enter the index, these names, the names of panes that count as written.
-- Returns the commit_id that the fence here holds now, as commit.lua does; 'moved': the fence there holds another.

local current = redis.call('HGET', KEYS[1], 'commit_id') or ''
if current ~= ARGV[1] then
  return current
end
if redis.call('HGET', KEYS[5], 'commit_id') ~= ARGV[3] then
  return 'moved'
end
for _, command in ipairs({'COPY', 'UNLINK', 'HSET', 'SADD', 'HLEN'}) do
  if not redis.acl_check_cmd(command, KEYS[1], KEYS[1], KEYS[1]) then
    return redis.error_reply('NOPERM this user may not run ' .. command)
  end
end

for place = 6, #KEYS, 2 do
  redis.call('COPY', KEYS[place], KEYS[place + 1], 'REPLACE')
end
local behind_index = 5 + tonumber(ARGV[5])
for place = 6, behind_index do
  redis.call('SADD', KEYS[2], ARGV[place])
end
for place = behind_index + 1, #ARGV do
  redis.call('HSET', KEYS[3], ARGV[place], ARGV[2])
end
redis.call('COPY', KEYS[5], KEYS[1], 'REPLACE')
redis.call('HSET', KEYS[1], 'commit_id', ARGV[2], 'carried_ms', ARGV[4],
  'carried_offset', redis.call('HGET', KEYS[5], 'offset'), 'uncounted', redis.call('HLEN', KEYS[4]))
return ARGV[2]
