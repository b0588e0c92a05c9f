/**
 * Reads revocations from a Redis Cluster, or through a client that may change the server without an
 * event. Each reply names the server and its epoch, so that a failover is noticed: replicas lag
 * behind, and a promoted one may lack changes before the latest revision. All scripts have the
 * stream as their key, so that a Cluster runs them on the master of its slot.
 */
import type { RedisCommands } from './redis-commands.js'
import {
  requireEntries,
  requireKeys,
  requireParts,
  requireText,
  requireValues,
} from './redis-reply.js'
import {
  type KeyPage,
  MARKER,
  PAGE_SIZE,
  pageAfter,
  type RevocationKeys,
  type RevocationReads,
  type StreamPage,
} from './redis-revocation-reads.js'
import { RedisScript } from './redis-script.js'
import { slotOf } from './redis-slots.js'

/** Identifies the process, and the former master if the process was a replica. */
const EPOCH = `
local info = redis.call('INFO', 'server', 'replication')
local runId = string.match(info, '\\nrun_id:(%w+)')
local formerReplId = string.match(info, '\\nmaster_replid2:(%w+)')
if not runId or not formerReplId then
  return redis.error_reply('ERR INFO lacks run_id or master_replid2')
end
local epoch = runId .. '.' .. formerReplId`

/** KEYS: the stream. Returns the epoch and the latest entry. */
const LATEST_SCRIPT = `${EPOCH}
local latest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', '1')
if #latest > 0 then return {epoch, latest} end
local id = redis.call('XADD', KEYS[1], '*', '${MARKER}', '${MARKER}')
return {epoch, {{id, {'${MARKER}', '${MARKER}'}}}}`

/** KEYS: the stream. ARGV: an id, the number of entries. Returns the epoch and the entries. */
const SINCE_SCRIPT = `${EPOCH}
return {epoch, redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])}`

/**
 * KEYS: the stream. ARGV: the cursor; the pattern; the number of keys; the slot in a Cluster. The
 * keys that match the pattern are in the slot of the stream.
 *
 * Returns the epoch, the reply to `SCAN` and the values of the keys. With a slot, the epoch includes
 * the config epoch of the master, which changes if the slot leaves the master and returns. While a
 * slot migrates, neither master has all of its keys.
 */
const PAGE_SCRIPT = `${EPOCH}
if ARGV[4] ~= '' then
  local nodes = redis.call('CLUSTER', 'NODES')
  local myself = string.match(nodes, '[^\\n]*myself[^\\n]*')
  local configEpoch = myself and string.match(myself, '^%S+ %S+ %S+ %S+ %S+ %S+ (%d+) ')
  if not configEpoch then return redis.error_reply('ERR CLUSTER NODES lacks the config epoch') end
  if string.find(myself, '[' .. ARGV[4] .. '-', 1, true) then
    return redis.error_reply('ERR the slot of the revocations is migrating')
  end
  epoch = epoch .. '.' .. configEpoch
end
local page = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', ARGV[3])
local values = {}
for i, key in ipairs(page[2]) do values[i] = redis.call('GET', key) end
return {epoch, page, values}`

export class EpochReads implements RevocationReads {
  readonly #latest: RedisScript
  readonly #since: RedisScript
  readonly #page: RedisScript
  readonly #keys: RevocationKeys
  readonly #slot: string

  /** @param hashTag the hash tag of the keys in a Cluster; otherwise `undefined`. */
  constructor(commands: RedisCommands, keys: RevocationKeys, hashTag: string | undefined) {
    this.#latest = new RedisScript(commands, LATEST_SCRIPT)
    this.#since = new RedisScript(commands, SINCE_SCRIPT)
    this.#page = new RedisScript(commands, PAGE_SCRIPT)
    this.#keys = keys
    this.#slot = hashTag === undefined ? '' : `${slotOf(hashTag)}`
  }

  async latest(): Promise<string> {
    const [epoch, entries] = requireParts(await this.#latest.run([this.#keys.log], []), 2)
    return `${requireText(epoch)} ${requireEntries(entries)[0]?.id}`
  }

  async since(revision: string): Promise<StreamPage | undefined> {
    const [epoch, id = ''] = revision.split(' ')
    const args = [id, `${PAGE_SIZE + 1}`]
    const [current, entries] = requireParts(await this.#since.run([this.#keys.log], args), 2)
    if (requireText(current) !== epoch) return undefined
    const page = pageAfter(id, entries)
    return page && { ...page, revision: `${epoch} ${page.revision}` }
  }

  async page(cursor: string): Promise<KeyPage> {
    const { log, prefix } = this.#keys
    // Not escaped: redisStore() allows no wildcard characters in a prefix.
    const args = [cursor, `${prefix}*`, `${PAGE_SIZE}`, this.#slot]
    const [server, page, values] = requireParts(await this.#page.run([log], args), 3)
    const [next, keys] = requireKeys(page)
    return { server: requireText(server), next, keys, values: requireValues(values, keys.length) }
  }
}
