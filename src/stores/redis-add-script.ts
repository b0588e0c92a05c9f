/**
 * Defines two Lua scripts that add entries only after they have compared, in the same atomic step,
 * the epoch of this Redis with the stored marker.
 *
 * An epoch is identified by the process (`run_id`), the former primary's replication id
 * (`master_replid2`) and the number of evicted entries. The marker records the epoch and its start.
 * The marker is replicated, persisted and lost together with the entries. If the marker is missing
 * or records another epoch, Redis may therefore have lost entries.
 */

/** Adds entries one by one, and records in `results` whether each is new (1) or existed (0). */
function addEach(value: string, ttl: string): string {
  return `
local results = {}
for i = 2, #KEYS do
  results[i - 1] = redis.call('SET', KEYS[i], ${value}, 'NX', 'PX', ${ttl}) and '1' or '0'
end`
}

/**
 * Starts an epoch if Redis may have lost entries, and adds the entries.
 *
 * KEYS: the marker; the entries, of which there are none if the script only reads the marker.
 *
 * ARGV: the longest TTL of an entry; the number of evicted entries; the marker in the caller's last
 * reply; the time since the caller last knew that marker to be in force; the value and the TTL of
 * all entries. All times are in milliseconds. The caller sends only durations, so that clock skew
 * has no effect.
 *
 * Returns four elements: a digit for each entry, 1 if it is new, 0 if it existed; the time for which
 * unknown entries remain indeterminate, which has passed if it is negative; the marker; and the
 * replication id, which is empty if INFO lacks it.
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
${addEach('ARGV[5]', 'ARGV[6]')}
local replId = string.match(info, '\\nmaster_replid:(%w+)') or ''
return {table.concat(results), since + ARGV[1] - now, marker, replId}`

/**
 * Adds the entries if this is the server, in the epoch, that replied to {@link ADD_SCRIPT}: the
 * marker is the same, and so is the replication id of a master. A master draws a random replication
 * id when it starts and when it is promoted. So a server that was restarted, or that was a replica
 * in between, has another one. A replica has that of its master.
 *
 * Costs less than {@link ADD_SCRIPT}, which parses a long reply to INFO.
 *
 * KEYS: the marker; the entries. ARGV: the marker; the line of INFO with the replication id; the
 * value and the TTL of all entries, in milliseconds.
 *
 * Returns a digit for each entry, 1 if it is new, 0 if it existed; or an empty text, without adding
 * any entry, if the server or the epoch may be another.
 */
export const SAME_EPOCH_ADD_SCRIPT = `
local info = redis.call('INFO', 'replication')
local isSame = redis.call('GET', KEYS[1]) == ARGV[1]
  and string.find(info, '\\nrole:master', 1, true)
  and string.find(info, ARGV[2], 1, true)
if not isSame then return '' end
${addEach('ARGV[3]', 'ARGV[4]')}
return table.concat(results)`
