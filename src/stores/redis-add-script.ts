/**
 * Adding, as a script: in one step Redis tells who it is, compares that with the mark among its
 * entries, and adds.
 *
 * A life of its memory has a name: that of the process (`run_id`), that of what it was a replica of
 * before (`master_replid2`), and how many entries it has evicted. The mark says which life it is of
 * and since when. It goes with the entries to a replica or a disk, and is gone when they are; so what
 * is not of this life, or is missing, was written before something may have been forgotten.
 *
 * KEYS: the mark; and unless it is only to be looked at, the entry.
 * ARGV: for how long an entry may be remembered; how many were evicted; the mark that the caller knows;
 * how long ago it was in force; the value; for how long it is remembered. All times are in
 * milliseconds, those of the caller only durations: whose clock is wrong changes nothing.
 *
 * Answers with the outcome, for how long nothing can be said yet, and the mark.
 */
export const ADD_SCRIPT = `
local info = redis.call('INFO', 'server', 'replication')
local run = string.match(info, '\\nrun_id:(%w+)')
local before = string.match(info, '\\nmaster_replid2:(%w+)')
if not run or not before then return redis.error_reply('ERR Redis does not say who it is') end
local life = run .. '.' .. before .. '.' .. ARGV[2]

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local mark = redis.call('GET', KEYS[1]) or ''
local name, since = string.match(mark, '^(%S+) (%d+)$')
since = name == life and tonumber(since)
-- Another was in force since, under which others may have added: of one that took over, and gave back.
local isOutdated = since and mark ~= ARGV[3] and since < now - ARGV[4]
if not since or since > now or isOutdated then
  since = now
  mark = life .. ' ' .. string.format('%.0f', now)
  redis.call('SET', KEYS[1], mark)
end

local wait = since + ARGV[1] - now
if KEYS[2] and not redis.call('SET', KEYS[2], ARGV[5], 'NX', 'PX', ARGV[6]) then
  return {0, 0, mark}
end
if not (wait < 0) then return {-1, wait, mark} end
return {1, 0, mark}`
