#!lua flags=no-writes
-- Which commands may this user not run? Nothing is run: Redis only says whether it would let them.
--
-- KEYS: a key of the deployment. ARGV: command lines, in which `key` stands for that key.
-- Returns those of ARGV that are refused.

local refused = {}
for _, line in ipairs(ARGV) do
  local words = {}
  for word in string.gmatch(line, '%S+') do
    words[#words + 1] = word == 'key' and KEYS[1] or word
  end
  if not redis.acl_check_cmd(unpack(words)) then
    refused[#refused + 1] = line
  end
end
return refused
