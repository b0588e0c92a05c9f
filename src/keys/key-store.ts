/**
 * Defines the store for fetched key sets: an instance that restarts during an issuer outage loads
 * its keys from there.
 */

/** A key set in a {@link KeyStore}. */
export interface StoredKeySet {
  /** The issuer identifier. */
  readonly issuer: string
  /** The option `jwksUri`, if set. A set that was saved for another URL is not used. */
  readonly jwksUri?: string
  /** Time of the fetch, in milliseconds since the epoch. */
  readonly fetchedAt: number
  /** The JWK Set as the issuer published it. Public keys only. */
  readonly jwks: unknown
}

/**
 * Stores key sets. An attacker who can write to the store can issue tokens, so protect it like a
 * certificate store. Exceptions and rejected promises are logged and have no other effect.
 */
export interface KeyStore {
  /** Returns the key set saved for the issuer; `undefined` if there is no usable one. */
  load(issuer: string): Promise<StoredKeySet | undefined>
  /** Saves a key set and replaces the previous one of its issuer. */
  save(keySet: StoredKeySet): Promise<void>
}
