/**
 * Inspects the masters of a Redis Cluster: each at most once a second, although many buckets are on
 * one master. INFO runs in a script with a key of the bucket, so that the Cluster runs it on the
 * master of that bucket, whatever failovers and migrations happen meanwhile.
 */
import type { RedisCommands } from './redis-commands.js'
import { type Inspection, type RedisState, STATE_TTL_MS, stateIn } from './redis-inspection.js'

const INFO_SCRIPT = `return redis.call('INFO')`

/** The states of the masters, which the buckets share. */
export class MasterStates {
  /** Called when a master has evicted entries, or when a bucket is on another master. */
  readonly onChange: () => void
  readonly #states = new Map<string, { readonly state: RedisState; readonly validUntil: number }>()
  /** Inspections in flight, by the `run_id` of the master whose state has expired. */
  readonly #inFlight = new Map<string, Promise<unknown>>()

  constructor(onChange: () => void) {
    this.onChange = onChange
  }

  fresh(runId: string): RedisState | undefined {
    const cached = this.#states.get(runId)
    return cached && performance.now() < cached.validUntil ? cached.state : undefined
  }

  inspectionOf(runId: string): Promise<unknown> | undefined {
    return this.#inFlight.get(runId)
  }

  track(runId: string, inspection: Promise<unknown>): void {
    this.#inFlight.set(runId, inspection)
    const forget = () => this.#inFlight.delete(runId)
    inspection.then(forget, forget)
  }

  keep(runId: string, state: RedisState): void {
    const { evicted = state.evicted } = this.#states.get(runId)?.state ?? {}
    this.#states.set(runId, { state, validUntil: performance.now() + STATE_TTL_MS })
    if (evicted !== state.evicted) this.onChange()
  }

  /** Makes all states expire. */
  expire(): void {
    for (const [runId, { state }] of this.#states) {
      this.#states.set(runId, { state, validUntil: Number.NEGATIVE_INFINITY })
    }
  }
}

export interface BucketInspectionOptions {
  /** Commands for the slot of the bucket. */
  readonly commands: RedisCommands
  readonly masters: MasterStates
  /** A key of the bucket; it need not exist. */
  readonly key: string
  /**
   * How long the bucket is assumed to be on the same master, in milliseconds, unless
   * {@link Inspection.sawServer} reports the master of each reply.
   */
  readonly assignmentTtlMs: number
}

/** Inspects the master of one bucket. */
export class BucketInspection implements Inspection {
  readonly #options: BucketInspectionOptions
  /** `run_id` of the master that sent the latest reply for this bucket. */
  #runId = ''
  #assignedUntil = Number.NEGATIVE_INFINITY
  #inspecting: Promise<RedisState> | undefined

  constructor(options: BucketInspectionOptions) {
    this.#options = options
  }

  async state(): Promise<RedisState> {
    const { masters } = this.#options
    if (performance.now() >= this.#assignedUntil) return this.#inspect()
    const cached = masters.fresh(this.#runId)
    if (cached !== undefined) return cached
    const inFlight = masters.inspectionOf(this.#runId)
    if (inFlight === undefined) {
      const inspection = this.#inspect()
      masters.track(this.#runId, inspection)
      return inspection
    }
    await inFlight.catch(() => {})
    // The bucket that was inspected may have moved to another master.
    return masters.fresh(this.#runId) ?? this.#inspect()
  }

  sawServer(runId: string): void {
    const { masters, assignmentTtlMs } = this.#options
    const isMoved = this.#runId !== '' && this.#runId !== runId
    this.#runId = runId
    this.#assignedUntil = performance.now() + assignmentTtlMs
    if (isMoved) masters.onChange()
  }

  invalidate(): void {
    this.#options.masters.expire()
  }

  /** Single flight for each bucket. */
  #inspect(): Promise<RedisState> {
    this.#inspecting ??= this.#read().finally(() => {
      this.#inspecting = undefined
    })
    return this.#inspecting
  }

  async #read(): Promise<RedisState> {
    const { commands, masters, key } = this.#options
    const info = String(await commands.send(['EVAL', INFO_SCRIPT, '1', key]))
    const runId = /^run_id:(\w+)/m.exec(info)?.[1]
    if (runId === undefined) throw new Error('INFO lacks run_id: use Redis 7 or later, or Valkey')
    const state = stateIn(info)
    this.sawServer(runId)
    masters.keep(runId, state)
    return state
  }
}
