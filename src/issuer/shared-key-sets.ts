/**
 * Shares one key set among all option sets of an issuer that have equal options for keys: an issuer
 * whose audience depends on the request has one key set, not one per audience.
 *
 * A key set is created on the first lookup of a key. The claims of the token are valid by then,
 * except those of a token that is so large that its signature is verified first. The number of key
 * sets is bounded: the least recently used key set is evicted, and closed as soon as no request
 * waits for it.
 */

import type { Algorithm } from '../base/algorithms.js'
import { BoundedCache } from '../base/bounded-cache.js'
import { isPromise } from '../errors/result.js'
import type { Candidates, KeySetStatus, KeySource } from '../keys/key-source.js'
import type { VerificationKey } from '../keys/verification-key.js'
import { ConfigFingerprints } from './config-fingerprint.js'

/** A key set whose background refreshes can be stopped without closing it. */
export interface ShareableKeys extends KeySource {
  /** Stops background refreshes until a request uses the keys again. */
  stopBackgroundRefresh(): void
}

export class SharedKeySets {
  readonly #fingerprints = new ConfigFingerprints()
  readonly #sets: BoundedCache<string, SharedKeySet>
  /** Key sets that are not closed, including evicted ones for which requests still wait. */
  readonly #open = new Set<SharedKeySet>()
  #closed = false

  constructor(maxEntries: number) {
    this.#sets = new BoundedCache({ max: maxEntries, dispose: (set) => set.retire() })
  }

  /**
   * Returns a key source for an issuer. The first lookup of a key creates the key set, unless one
   * with an equal issuer and equal options exists.
   *
   * @param keyOptions the options that determine which keys are fetched, and how.
   */
  share(issuer: string, keyOptions: unknown, create: () => ShareableKeys): KeySource {
    const id = this.#fingerprints.fingerprint({ issuer, keyOptions })
    return new SharedKeys(issuer, {
      known: () => this.#sets.get(id),
      open: () => this.#sets.get(id) ?? this.#create(id, create),
    })
  }

  /** Closes all key sets, which aborts their fetches. No key is fetched afterwards. */
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
    // Not awaited: closing waits for a store, and the key set logs the store's failures.
    if (this.#retired && this.#waiting === 0) void this.close()
  }
}

interface Access {
  /** Returns the key set; `undefined` if it does not exist. */
  readonly known: () => SharedKeySet | undefined
  /** Returns the key set; creates it if it does not exist. */
  readonly open: () => SharedKeySet
}

class SharedKeys implements KeySource {
  readonly #issuer: string
  readonly #access: Access

  constructor(issuer: string, access: Access) {
    this.#issuer = issuer
    this.#access = access
  }

  find(
    algorithm: Algorithm,
    kid: string | undefined,
    mayRefetch?: boolean,
  ): Candidates | Promise<Candidates> {
    const set = this.#access.open()
    return set.track(set.keys.find(algorithm, kid, mayRefetch))
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

  /** Refreshes the key set if it exists; otherwise the first token causes a fetch anyway. */
  async refresh(): Promise<void> {
    await this.#access.known()?.keys.refresh()
  }

  renew(): void {
    this.#access.known()?.keys.renew()
  }

  /** Does nothing: only tokens cause fetches, because there may be thousands of tenants. */
  prefetch(): void {}

  status(): KeySetStatus {
    return this.#access.known()?.keys.status() ?? emptyKeySet(this.#issuer)
  }

  /**
   * Stops background refreshes. Does not close the key set, because other option sets of the issuer
   * may share it.
   */
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
