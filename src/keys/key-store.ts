/**
 * Key sets that outlive the process: what was fetched last is saved, so that a restart while the
 * issuer is down serves at once.
 */

/** A key set as it is saved. */
export interface StoredKeySet {
  /** The name of the issuer whose keys they are. */
  readonly issuer: string
  /** Where it was fetched, if that was configured; a set from another address isn't used. */
  readonly jwksUri?: string
  /** Milliseconds since the epoch. */
  readonly fetchedAt: number
  /** The JWK Set as the issuer published it. Public keys only. */
  readonly jwks: unknown
}

/**
 * Where key sets are kept. An attacker who can write to it can issue tokens, so guard it like a
 * certificate store. What it throws is told to the operator and changes nothing else.
 */
export interface KeyStore {
  /** What was saved for the issuer; `undefined` if nothing was, or nothing that can be used. */
  load(issuer: string): Promise<StoredKeySet | undefined>
  /** Replaces what was saved for the issuer. */
  save(keySet: StoredKeySet): Promise<void>
}
