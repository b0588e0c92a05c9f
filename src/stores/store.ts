/** The interface of stores: the state that instances of an API share. */
import { type Bounds, describeBounds, isWholeNumber } from '../base/check.js'

/** Ends a subscription. Never rejects. */
export type Unsubscribe = () => Promise<void>

/**
 * Stores small strings, each for a limited time. Times are in milliseconds; keys and values are
 * ASCII and contain no secret. Every method rejects when it fails, and does so quickly, because
 * requests wait for it. A call that has not settled after {@link Store.callTimeout} counts as
 * failed.
 *
 * A rejected operation may still take effect later (a delayed command). Callers must tolerate that.
 */
export interface Store {
  /**
   * Adds an entry atomically across instances. Resolves to `true` if the key was absent and the
   * entry was added, `false` if the key exists. An entry is kept until its TTL ends and is never
   * evicted: a full store rejects. A store that cannot rule out that it lost an earlier entry adds
   * this one and rejects with an error whose `code` is `store_indeterminate`.
   */
  add(key: string, value: string, ttl: number): Promise<boolean>
  /** Returns the value of the key, unless it has expired. */
  get(key: string): Promise<string | undefined>
  /** Sets the value of the key, replacing any other. */
  set(key: string, value: string, ttl: number): Promise<void>
  /** Deletes the key, if it exists. */
  delete(key: string): Promise<void>
  /**
   * Adds revocations, one per name. If the name exists, merges: the later `before`, the later
   * `lastIssued` and the later expiry are kept. Atomic for each name, so that concurrent calls do
   * not overwrite each other. Each change gets a revision after all revisions that can be read
   * already.
   */
  mergeRevocations(revocations: readonly RevocationToStore[]): Promise<void>
  /**
   * Returns the changes after a revision, oldest first: at most 1,000 revocations, with the
   * revision of the last one. Returns `undefined` if the revision is not among the last 10,000 or
   * so of this store, for example because the store lost its data: the caller then lists all
   * revocations. Without a revision, returns the latest revision and no revocations.
   */
  revocationsSince(revision: string | undefined): Promise<RevocationChanges | undefined>
  /**
   * Lists all revocations in slices of at most a few thousand, and lets the event loop turn between
   * slices. Includes every revocation that exists from before the call until after it, possibly
   * twice; may include or omit those that are added or expire during the call.
   */
  listRevocations(): AsyncIterable<readonly StoredRevocation[]>
  /** Sends a message to the current subscribers of the channel. It may be lost without notice. */
  publish(channel: string, message: string): Promise<void>
  /**
   * Subscribes to a channel. Resolves once messages arrive.
   *
   * @param onReconnect called when messages arrive again after some may have been lost.
   */
  subscribe(
    channel: string,
    onMessage: (message: string) => void,
    onReconnect: () => void,
  ): Promise<Unsubscribe>
  /**
   * Declares the longest `ttl`, in milliseconds, before the first {@link Store.add}. A store that
   * lost its data must not report entries as new for that long.
   */
  declareMaxTtl?(maxTtl: number): void
  /**
   * Time after which a call counts as failed, in milliseconds; for {@link listRevocations}, for
   * each slice. Time in which the event loop of this process is stalled does not count.
   * {@link get}, {@link set} and {@link delete} have 500 ms. Default 5,000; 10 to 600,000.
   */
  readonly callTimeout?: number
  /**
   * Whether the store loses its data when this process ends, as `memoryStore()` does. If so, DPoP
   * proofs made before the start are rejected. Default false.
   */
  readonly isProcessLocal?: boolean
}

/** A revocation in a store. Times are whole seconds since the epoch, or `Infinity`. */
export interface StoredRevocation {
  /** 43 base64url characters that do not reveal what is revoked. */
  readonly name: string
  /** Tokens that were issued up to this time are revoked. */
  readonly before: number
  /** Latest time at which a token that this revocation covers can have been issued. */
  readonly lastIssued: number
}

/** A revocation to add to a store, with its TTL. */
export interface RevocationToStore extends StoredRevocation {
  /** Minimum time for which the store keeps the revocation, in milliseconds. */
  readonly ttl: number
}

/** Changes since a revision, oldest first. */
export interface RevocationChanges {
  /** The revision of the last change in `revocations`. */
  readonly revision: string
  /** The changed revocations, in their current state. */
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

/** @throws {TypeError} unless the value is a whole number within the bounds. */
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
