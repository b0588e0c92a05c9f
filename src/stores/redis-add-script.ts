/**
 * Defines a Lua script that, in one atomic step, compares the epoch of this Redis with the stored
 * marker and adds an entry.
 *
 * An epoch is identified by the process (`run_id`), the former primary's replication id
 * (`master_replid2`) and the number of evicted entries. The marker records the epoch and its start.
 * The marker is replicated, persisted and lost together with the entries. If the marker is missing
 * or records another epoch, Redis may therefore have lost entries, and the script starts an epoch.
 *
 * KEYS: the marker; the entry, which is omitted if the script only reads the marker.
 *
 * ARGV: the longest TTL of an entry; the number of evicted entries; the marker in the caller's last
 * reply; the time since the caller last knew that marker to be in force; the value; the TTL of the
 * entry. All times are in milliseconds. The caller sends only durations, so that clock skew has no
 * effect.
 *
 * Returns three elements: 1 if the entry is new, 0 if it existed, or -1 if it is indeterminate; the
 * remaining time for which unknown entries are indeterminate; and the marker.
 */
export const ADD_SCRIPT = `
local info = redis.call('INFO', 'server', 'replication')
local runId = string.match(info, '\\nrun_id:(%w+)')
local formerReplId = string.match(info, '\\nmaster_replid2:(%w+)')
if not runId or not formerReplId then
  return redis.error_reply('ERR INFO lacks run_id or master_replid2, which "afterRestart" needs')
end
local epoch = runId .. '.' .. formerReplId .. '.' .. ARGV[2]

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local marker = redis.call('GET', KEYS[1]) or ''
local markerEpoch, since = string.match(marker, '^(%S+) (%d+)$')
since = markerEpoch == epoch and tonumber(since)
-- The caller saw another marker in force after this one began: Redis failed over and back, and the
-- entries that were added in between may be missing here.
local isOutdated = since and marker ~= ARGV[3] and since < now - ARGV[4]
if not since or since > now or isOutdated then
  since = now
  marker = epoch .. ' ' .. string.format('%.0f', now)
  redis.call('SET', KEYS[1], marker)
end

local wait = since + ARGV[1] - now
if KEYS[2] and not redis.call('SET', KEYS[2], ARGV[5], 'NX', 'PX', ARGV[6]) then
  return {0, 0, marker}
end
if not (wait < 0) then return {-1, wait, marker} end
return {1, 0, marker}`
