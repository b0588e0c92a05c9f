/**
 * Probes the groups of entries, so that the time during which unknown entries are indeterminate
 * starts as soon as Redis may have lost entries, and not with the first proof.
 */
import type { RedisConnection } from './redis-connection.js'
import type { EntryGroup } from './redis-entries.js'

const RETRY_DELAY_MS = 1_000
/**
 * Interval of the probes of a Cluster, where a failover or a migration need not end a connection of
 * this process: 512 probes take Redis about 20 ms.
 */
const CLUSTER_INTERVAL_MS = 30_000
/** Maximum number of probes in flight. */
const CONCURRENCY = 16

export class RedisProbes {
  readonly #connection: RedisConnection
  readonly #groups: readonly EntryGroup[]
  #isProbing = false
  /** Whether another round is needed, because the connection changed during this one. */
  #isAgain = false
  #timer: NodeJS.Timeout | undefined

  constructor(connection: RedisConnection, groups: readonly EntryGroup[]) {
    this.#connection = connection
    this.#groups = groups
  }

  /**
   * Probes all groups, and repeats that until all probes have succeeded: while Redis loads its data,
   * it accepts connections but replies LOADING.
   */
  start(): void {
    this.#isAgain = true
    if (!this.#isProbing) this.#probeAll()
  }

  async #probeAll(): Promise<void> {
    this.#isProbing = true
    let failed = false
    while (this.#isAgain) {
      this.#isAgain = false
      failed = await this.#probeOnce()
    }
    this.#isProbing = false
    if (failed) this.#repeatIn(RETRY_DELAY_MS)
    else if (this.#connection.isCluster) this.#repeatIn(CLUSTER_INTERVAL_MS)
  }

  /** @returns whether a probe failed. */
  async #probeOnce(): Promise<boolean> {
    const groups = this.#groups.values()
    let failed = false
    const probeNext = async () => {
      for (const group of groups) await group.probe().catch(() => (failed = true))
    }
    await Promise.all(Array.from({ length: CONCURRENCY }, probeNext))
    return failed
  }

  #repeatIn(milliseconds: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      if (this.#connection.isReady()) this.start()
      else if (this.#connection.isCluster) this.#repeatIn(milliseconds)
    }, milliseconds).unref()
  }
}
