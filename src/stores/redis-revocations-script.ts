/**
 * Defines a Lua script that merges revocations atomically, so that concurrent writes of two
 * instances do not overwrite each other. The script keeps the later times and the longer TTL of
 * each revocation, and logs a change only if a time changed.
 *
 * KEYS: the log of changes; then the key of each revocation, whose last 43 characters are the name.
 * ARGV: the number of changes that the log keeps; then, for each revocation, `before` and
 * `lastIssued` in seconds and the TTL in milliseconds.
 */
export const MERGE_SCRIPT = `
for i = 2, #KEYS do
  local at = (i - 2) * 3 + 2
  local before, issued, ttl = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local known = redis.call('GET', KEYS[i])
  local knownBefore, knownIssued
  if known then knownBefore, knownIssued = string.match(known, '^(%d+)%.(%d+)$') end
  local isNew, isLonger = true, true
  if knownBefore then
    knownBefore, knownIssued = tonumber(knownBefore), tonumber(knownIssued)
    local left = redis.call('PTTL', KEYS[i])
    isNew = before > knownBefore or issued > knownIssued
    isLonger = ttl > left
    before, issued = math.max(before, knownBefore), math.max(issued, knownIssued)
    ttl = math.max(ttl, left)
  end
  if isNew or isLonger then
    local value = string.format('%.0f.%.0f', before, issued)
    redis.call('SET', KEYS[i], value, 'PX', string.format('%.0f', ttl))
    if isNew then
      redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', string.sub(KEYS[i], -43), value)
    end
  end
end
return #KEYS - 1`
