"""What Redis does in one step, as scripts of its own: a transaction is refused by one that is full.

A claim is a hash of `token`, `owner` and `server` that expires. A token is compared as text: Lua's
numbers would do, but its JSON would not.
"""

from __future__ import annotations

from typing import Final

# Each write takes the session's claim first (a token of "0" needs none), and adds to nothing but
# what its caller has seen. Of a transcript of which a part was evicted nothing is left.
_GUARD: Final = """
if ARGV[1] ~= '0' and redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 'lost' end
if redis.call('LLEN', KEYS[2]) ~= redis.call('LLEN', KEYS[3]) then
    redis.call('DEL', KEYS[2], KEYS[3], KEYS[4])
end
if redis.call('LLEN', KEYS[2]) ~= tonumber(ARGV[2]) then return 'moved' end
if (redis.call('LINDEX', KEYS[3], -1) or '') ~= ARGV[3] then return 'moved' end
"""

# KEYS: claim, lines, digests, uuids, sessions, summaries, subkeys
# ARGV: token, expected length and digest, session, subpath, summary, then three for each line
APPEND: Final = (
    _GUARD
    + """
for i = 7, #ARGV, 3 do
    redis.call('RPUSH', KEYS[2], ARGV[i])
    redis.call('RPUSH', KEYS[3], ARGV[i + 1])
    if ARGV[i + 2] ~= '' then redis.call('SADD', KEYS[4], ARGV[i + 2]) end
end
if ARGV[5] == '' then
    local now = redis.call('TIME')
    redis.call('ZADD', KEYS[5], now[1] * 1000 + math.floor(now[2] / 1000), ARGV[4])
    redis.call('HSET', KEYS[6], ARGV[4], ARGV[6])
else
    redis.call('SADD', KEYS[7], ARGV[5])
end
return 'done'
"""
)

# KEYS: claim, lines, digests, uuids
# ARGV: token, expected length and digest, lines to keep, then the ids of those that go
CUT: Final = (
    _GUARD
    + """
local keep = tonumber(ARGV[4])
if keep == 0 then
    redis.call('DEL', KEYS[2], KEYS[3], KEYS[4])
else
    redis.call('LTRIM', KEYS[2], 0, keep - 1)
    redis.call('LTRIM', KEYS[3], 0, keep - 1)
    for i = 5, #ARGV do redis.call('SREM', KEYS[4], ARGV[i]) end
end
return 'done'
"""
)

# KEYS: lines, digests, uuids, sessions, summaries, subkeys; ARGV: session, subpath
FORGET: Final = """
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
if ARGV[2] == '' then
    redis.call('ZREM', KEYS[4], ARGV[1])
    redis.call('HDEL', KEYS[5], ARGV[1])
else
    redis.call('SREM', KEYS[6], ARGV[2])
end
"""

# KEYS: lines, digests; ARGV: the first and the last digest that are wanted, counted from zero
# Returns how many lines there are, their digest, and those wanted. A part that was evicted takes
# the rest with it.
STORED: Final = """
local lines = redis.call('LLEN', KEYS[1])
if lines == 0 or lines ~= redis.call('LLEN', KEYS[2]) then return {0, '', {}} end
local some = redis.call('LRANGE', KEYS[2], ARGV[1], ARGV[2])
return {lines, redis.call('LINDEX', KEYS[2], -1), some}
"""

# A token is a time, so that it grows even after the server has lost what it knew.
# A server that hung executes a claim whose client has long given up: that client may have it again.
# KEYS: claim, newest token; ARGV: owner, lease in milliseconds, the owner's server
# Returns the token, or "0" and who has the session.
CLAIM: Final = """
local owner = redis.call('HGET', KEYS[1], 'owner')
local ours = ARGV[3] ~= '' and redis.call('HGET', KEYS[1], 'server') == ARGV[3]
if owner and not ours then return {'0', owner} end
local now = redis.call('TIME')
local token = now[1] * 1000000 + now[2]
local newest = tonumber(redis.call('GET', KEYS[2]) or '0')
if token <= newest then token = newest + 1 end
local text = string.format('%.0f', token)
-- Where no memory is left, what follows a write that takes none is taken all the same.
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[2], text)
redis.call('HSET', KEYS[1], 'token', text, 'owner', ARGV[1], 'server', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {text, ''}
"""

# KEYS: lines; ARGV: the first and the last line, counted from zero, the most bytes of one, of all
# Returns the lines until they are so many bytes; nothing stands for one that is too long.
LOAD: Final = """
local found, size = {}, 0
for _, line in ipairs(redis.call('LRANGE', KEYS[1], ARGV[1], ARGV[2])) do
    if size >= tonumber(ARGV[4]) then break end
    if #line > tonumber(ARGV[3]) then line = '' end
    found[#found + 1] = line
    size = size + #line
end
return found
"""

# KEYS: claim; ARGV: token, lease in milliseconds (0 ends it). Returns whether it was ours.
RENEW: Final = """
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then return redis.call('DEL', KEYS[1]) end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""

# KEYS: the session's deletion
NOTE_DELETION: Final = """
-- As above: what frees memory must not be refused for want of it.
redis.call('DEL', KEYS[1])
local now = redis.call('TIME')
redis.call('SET', KEYS[1], string.format('%.0f', now[1] * 1000000 + now[2]))
"""
