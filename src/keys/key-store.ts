/**
 * Persistence of fetched key sets, so that a restart during an outage of the issuer starts with
 * keys.
 */

/** A key set in a {@link KeyStore}. */
export interface StoredKeySet {
  /** The issuer identifier. */
  readonly issuer: string
  /** The configured `jwksUri`, if any; a set saved for another URL is not used. */
  readonly jwksUri?: string
  /** Time of the fetch, in milliseconds since the epoch. */
  readonly fetchedAt: number
  /** The JWK Set as the issuer published it. Public keys only. */
  readonly jwks: unknown
}

/**
 * Stores key sets. An attacker who can write to it can issue tokens: protect it like a certificate
 * store. Exceptions and rejected promises are logged and have no other effect.
 */
export interface KeyStore {
  /** Returns the key set saved for the issuer; `undefined` if there is no usable one. */
  load(issuer: string): Promise<StoredKeySet | undefined>
  /** Saves a key set and replaces the previous one of its issuer. */
  save(keySet: StoredKeySet): Promise<void>
}
