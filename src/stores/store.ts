/** Defines the interface of stores, which hold the state that instances of an API share. */
import { type Bounds, describeBounds, isWholeNumber } from '../base/check.js'

/** Ends a subscription. Never rejects. */
export type Unsubscribe = () => Promise<void>

/**
 * Stores small strings, each for a limited time (`ttl`, in milliseconds). Keys and values are ASCII
 * and contain no secret in plain text. A method that fails must reject quickly, because
 * requests wait for it. A call that has not settled after {@link Store.callTimeout} counts as
 * failed.
 *
 * A rejected operation may still take effect later (a delayed command). Callers must tolerate that.
 */
export interface Store {
  /**
   * Adds an entry atomically across instances. Resolves to `true` if the key was absent and the
   * entry was added, `false` if the key exists. The store keeps the entry until its TTL ends and
   * never evicts it: a full store rejects instead. A store that may have lost an earlier entry with
   * this key adds the entry and rejects with an error whose `code` is `store_indeterminate`.
   */
  add(key: string, value: string, ttl: number): Promise<boolean>
  /** Returns the value of the key; `undefined` if the key is absent or has expired. */
  get(key: string): Promise<string | undefined>
  /** Sets the value and the TTL of the key; replaces an existing value. */
  set(key: string, value: string, ttl: number): Promise<void>
  /** Deletes the key, if it exists. */
  delete(key: string): Promise<void>
  /**
   * Adds revocations, one per name. If the name exists, the store keeps the later `before`, the
   * later `lastIssued` and the later expiry. The merge must be atomic for each name, so that
   * concurrent calls do not overwrite each other. Each change gets a revision that follows every
   * revision returned so far.
   */
  mergeRevocations(revocations: readonly RevocationToStore[]): Promise<void>
  /**
   * Returns the changes after a revision, oldest first: at most 1,000 revocations, with the
   * revision of the last one. Returns `undefined` if the revision is not among the latest of this
   * store (about 10,000), for example because the store lost its data; the caller then lists all
   * revocations. Without a revision, returns the latest revision and no revocations.
   */
  revocationsSince(revision: string | undefined): Promise<RevocationChanges | undefined>
  /**
   * Lists all revocations in slices of at most a few thousand, and yields to the event loop
   * between slices. Includes, possibly twice, every revocation that exists during the whole call.
   * May include or omit a revocation that is added or expires during the call.
   */
  listRevocations(): AsyncIterable<readonly StoredRevocation[]>
  /**
   * Sends a message to the current subscribers of the channel. The message may be lost silently.
   */
  publish(channel: string, message: string): Promise<void>
  /**
   * Subscribes to a channel. Resolves once the store delivers messages, to a function that ends the
   * subscription.
   *
   * @param onReconnect called when the store delivers again after messages may have been lost.
   */
  subscribe(
    channel: string,
    onMessage: (message: string) => void,
    onReconnect: () => void,
  ): Promise<Unsubscribe>
  /**
   * Declares the longest `ttl` of {@link Store.add}, in milliseconds, before the first entry is
   * added. A store that may have lost entries must not report entries as new for that long. A store
   * that loses no entries while this process runs may omit this method.
   */
  declareMaxTtl?(maxTtl: number): void
  /**
   * Timeout of a call, in milliseconds; {@link listRevocations} has that time for each slice.
   * Time during which the event loop is blocked does not count. For {@link get}, {@link set} and
   * {@link delete} the timeout is at most 500 ms instead. Default 5,000; 10 to 600,000.
   */
  readonly callTimeout?: number
  /**
   * Whether the store loses its data when this process ends, as `memoryStore()` does. If true, DPoP
   * proofs that were created before the process started are rejected. Default false.
   */
  readonly isProcessLocal?: boolean
}

/** A revocation in a store. Times are whole seconds since the epoch, or `Infinity`. */
export interface StoredRevocation {
  /**
   * Hash of the revoked identifier: 43 base64url characters. The hash does not reveal an identifier
   * that cannot be guessed.
   */
  readonly name: string
  /** The revocation covers tokens that were issued up to this time, inclusive. */
  readonly before: number
  /** Latest time at which a covered token can have been issued. */
  readonly lastIssued: number
}

/** A revocation to add to a store, with its TTL. */
export interface RevocationToStore extends StoredRevocation {
  /** Minimum time for which the store must keep the revocation, in milliseconds. */
  readonly ttl: number
}

/** Changes since a revision, oldest first. */
export interface RevocationChanges {
  /** The revision of the last change in `revocations`. */
  readonly revision: string
  /** The changed revocations, each in its state after the change or after a later change. */
  readonly revocations: readonly StoredRevocation[]
  /** Whether there are changes after `revision`. */
  readonly more: boolean
}

/** The methods that every store must have. */
export const STORE_METHODS = [
  'add',
  'get',
  'set',
  'delete',
  'mergeRevocations',
  'revocationsSince',
  'listRevocations',
  'publish',
  'subscribe',
] as const satisfies readonly (keyof Store)[]

/**
 * Returns the value.
 *
 * @throws {TypeError} unless the value is a whole number within the bounds.
 */
export function wholeNumber(name: string, value: unknown, bounds: Bounds): number {
  if (isWholeNumber(value, bounds)) return value
  throw new TypeError(`"${name}" of a store ${describeBounds(bounds)}`)
}

/**
 * {@link Store.add} rejects with this error if the entry was added but may have existed before,
 * because the store may have lost it.
 */
export class IndeterminateError extends Error {
  override readonly name = 'IndeterminateError'
  readonly code = 'store_indeterminate'
}
