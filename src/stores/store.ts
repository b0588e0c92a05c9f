/** The interface of stores: the state that instances of an API share. */
import { type Bounds, describeBounds, isWholeNumber } from '../base/check.js'

/** Ends a subscription. Never rejects. */
export type Unsubscribe = () => Promise<void>

/**
 * Stores small strings, each for a limited time. Times are in milliseconds; keys and values are ASCII
 * and contain no secret. Every method rejects when it fails, and does so quickly, because requests
 * wait for it. A call that has not settled after {@link Store.callTimeout} counts as failed.
 *
 * A rejected operation may still take effect later (a delayed command). Callers must tolerate that.
 */
export interface Store {
  /**
   * Adds an entry atomically across instances. Resolves to `true` if the key was absent and the entry
   * was added, `false` if the key exists. An entry is kept until its TTL ends and is never evicted: a
   * full store rejects. A store that cannot rule out that it lost an earlier entry adds this one
   * and rejects with an error whose `code` is `store_indeterminate`.
   */
  add(key: string, value: string, ttl: number): Promise<boolean>
  /** Returns the value of the key, unless it has expired. */
  get(key: string): Promise<string | undefined>
  /** Sets the value of the key, replacing any other. */
  set(key: string, value: string, ttl: number): Promise<void>
  /** Deletes the key, if it exists. */
  delete(key: string): Promise<void>
  /**
   * Puts revocations in, one per name. Where there is one already, the later of both `before`, of both
   * `lastIssued` and of both ends stay. Atomic for each of them: of two calls at the same time, neither
   * undoes what the other did. Each change gets a revision after all others that can be read.
   */
  mergeRevocations(revocations: readonly RevocationToStore[]): Promise<void>
  /**
   * Returns what changed after a revision, oldest first: at most 1,000 revocations, with the revision of
   * the last. `undefined` if it is not one of the last 10,000 or so of this store, for instance because
   * the store lost its memory: the caller then lists all. Without a revision, returns the latest one and
   * no revocations.
   */
  revocationsSince(revision: string | undefined): Promise<RevocationChanges | undefined>
  /**
   * Lists all revocations in slices of at most some thousand, each in a turn of the event loop of its
   * own. What was there before the call and still is after it is among them, perhaps twice; of what
   * comes or goes meanwhile, nothing is promised.
   */
  listRevocations(): AsyncIterable<readonly StoredRevocation[]>
  /** Sends a message to the current subscribers of the channel. It may be lost without notice. */
  publish(channel: string, message: string): Promise<void>
  /**
   * Resolves once messages arrive.
   *
   * @param onReconnect called when messages may have been lost, and arrive again.
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
  declareMaxTtl?(longest: number): void
  /**
   * How long a call may take before it counts as failed, in milliseconds; of {@link listRevocations},
   * each slice. Time in which this process's own event loop is stalled doesn't count. {@link get},
   * {@link set} and {@link delete} have less: half a second. Default 5,000; 10 to 600,000.
   */
  readonly callTimeout?: number
  /**
   * Whether it forgets everything when this process ends, as `memoryStore()` does. DPoP proofs made
   * before the start are rejected then. Default false.
   */
  readonly isProcessLocal?: boolean
}

/** A revocation as a store keeps it. Times are whole seconds since the epoch, or `Infinity`. */
export interface StoredRevocation {
  /** 43 base64url characters that do not reveal what is revoked. */
  readonly name: string
  /** Tokens that were issued up to this time are revoked. */
  readonly before: number
  /** No token that is revoked was issued later. */
  readonly lastIssued: number
}

export interface RevocationToStore extends StoredRevocation {
  /** How long it is kept at least, in milliseconds. */
  readonly ttl: number
}

/** What changed since a revision, oldest change first. */
export interface RevocationChanges {
  /** Of the last change in `revocations`. */
  readonly revision: string
  /** The revocations as they are now. */
  readonly revocations: readonly StoredRevocation[]
  /** Whether there are more after it. */
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

/** @throws {TypeError} unless it is a whole number within the bounds. */
export function wholeNumber(name: string, value: unknown, bounds: Bounds): number {
  if (isWholeNumber(value, bounds)) return value
  throw new TypeError(`"${name}" of a store ${describeBounds(bounds)}`)
}

/**
 * {@link Store.add} rejects with this error if the entry was added but may have existed before,
 * because the store may have lost it.
 */
export class UncertainError extends Error {
  override readonly name = 'UncertainError'
  readonly code = 'store_indeterminate'
}
