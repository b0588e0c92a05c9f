/**
 * Shares one key set among issuers with equal options for keys: an issuer whose audience depends on
 * the request has one key set, not one per audience.
 *
 * A key set is created when its keys are first looked for, which happens once the claims of a token
 * are valid. The number of key sets is bounded; the least recently used one is closed as soon as no
 * request waits for it.
 */

import type { Algorithm } from '../base/algorithms.js'
import { BoundedCache } from '../base/bounded-cache.js'
import { isPromise } from '../errors/result.js'
import type { Candidates, KeySetStatus, KeySource } from '../keys/key-source.js'
import type { VerificationKey } from '../keys/verification-key.js'
import { ConfigFingerprints } from './config-fingerprint.js'

/** A key set that can stop its timer without being closed. */
export interface ShareableKeys extends KeySource {
  /** Stops background refreshes until a request uses the keys again. */
  stopBackgroundRefresh(): void
}

export class SharedKeySets {
  readonly #fingerprints = new ConfigFingerprints()
  readonly #sets: BoundedCache<string, SharedKeySet>
  /** Includes evicted key sets that requests still wait for. */
  readonly #open = new Set<SharedKeySet>()
  #closed = false

  constructor(maxEntries: number) {
    this.#sets = new BoundedCache({ max: maxEntries, dispose: (set) => set.retire() })
  }

  /**
   * Returns the keys of an issuer. Creates no key set: the first lookup does.
   *
   * @param concerns the options that decide which keys are fetched, and how.
   */
  share(issuer: string, concerns: unknown, create: () => ShareableKeys): KeySource {
    const id = this.#fingerprints.fingerprint({ issuer, concerns })
    return new SharedKeys(issuer, {
      known: () => this.#sets.get(id),
      open: () => this.#sets.get(id) ?? this.#create(id, create),
    })
  }

  /** Aborts the fetches of all key sets. No key is fetched afterwards. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#open].map((set) => set.close()))
  }

  #create(id: string, create: () => ShareableKeys): SharedKeySet {
    const set = new SharedKeySet(create(), () => this.#open.delete(set))
    this.#open.add(set)
    this.#sets.set(id, set)
    if (this.#closed) void set.close()
    return set
  }
}

class SharedKeySet {
  readonly keys: ShareableKeys
  readonly #onClose: () => void
  #waiting = 0
  #retired = false

  constructor(keys: ShareableKeys, onClose: () => void) {
    this.keys = keys
    this.#onClose = onClose
  }

  /** Keeps the key set open while a request waits for a lookup. */
  track(candidates: Candidates | Promise<Candidates>): Candidates | Promise<Candidates> {
    if (!isPromise(candidates)) return candidates
    this.#waiting++
    return candidates.finally(() => {
      this.#waiting--
      this.#closeIfUnused()
    })
  }

  retire(): void {
    this.#retired = true
    this.keys.stopBackgroundRefresh()
    this.#closeIfUnused()
  }

  async close(): Promise<void> {
    this.#onClose()
    await this.keys.close()
  }

  #closeIfUnused(): void {
    // Closing waits for a store, whose failures are logged by the key set.
    if (this.#retired && this.#waiting === 0) void this.close()
  }
}

interface Access {
  /** Returns the key set if it exists. */
  readonly known: () => SharedKeySet | undefined
  readonly open: () => SharedKeySet
}

class SharedKeys implements KeySource {
  readonly #issuer: string
  readonly #access: Access

  constructor(issuer: string, access: Access) {
    this.#issuer = issuer
    this.#access = access
  }

  find(algorithm: Algorithm, kid: string | undefined): Candidates | Promise<Candidates> {
    const set = this.#access.open()
    return set.track(set.keys.find(algorithm, kid))
  }

  findNewer(
    algorithm: Algorithm,
    kid: string | undefined,
    tried: Candidates,
  ): Candidates | Promise<Candidates> {
    const set = this.#access.open()
    return set.track(set.keys.findNewer(algorithm, kid, tried))
  }

  whyNot(algorithm: Algorithm, kid: string | undefined): string {
    return this.#access.known()?.keys.whyNot(algorithm, kid) ?? 'no key set'
  }

  trusts(key: VerificationKey): boolean {
    return this.#access.known()?.keys.trusts(key) ?? false
  }

  /** Refreshes the key set if a token has used it: otherwise the first token fetches it anyway. */
  async refresh(): Promise<void> {
    await this.#access.known()?.keys.refresh()
  }

  status(): KeySetStatus {
    return this.#access.known()?.keys.status() ?? emptyKeySet(this.#issuer)
  }

  /** Leaves the key set to the other issuers that share it. */
  async close(): Promise<void> {
    this.#access.known()?.keys.stopBackgroundRefresh()
  }
}

function emptyKeySet(issuer: string): KeySetStatus {
  return {
    issuer,
    state: 'empty',
    keys: 0,
    ageMs: undefined,
    usableForMs: 0,
    lastAttemptAt: undefined,
    lastError: undefined,
  }
}
