/** What instances of an API share (and one alone keeps for itself). */
import { type Bounds, describeBounds, isWholeNumber } from '../base/check.js'

/** Ends a subscription. Never rejects. */
export type Unsubscribe = () => Promise<void>

/**
 * A place for small pieces of text, each for a limited time. Times are in milliseconds; keys and
 * values are ASCII, and no secret is in either. Every method rejects when it can't do what it says,
 * and does so soon, because requests wait for it. A call that isn't settled after
 * {@link Store.callTimeout} counts as failed.
 *
 * What was asked for and rejected may be done later all the same, when a command that was on its way
 * arrives at last. Whoever uses a store writes so that this does no harm.
 */
export interface Store {
  /**
   * Atomic, whoever else calls it: `true` if there was nothing under the key and now there is,
   * `false` if there was something. What was added is there until its time is over, and never
   * forgotten before, to make room or otherwise: a store without room rejects. One that can't rule out
   * that it forgot what was there adds all the same, and rejects with an error whose `code` is
   * `store_indeterminate`.
   */
  add(key: string, value: string, ttl: number): Promise<boolean>
  /** What is under the key, if its time isn't over. */
  get(key: string): Promise<string | undefined>
  /** Puts it under the key, whatever was there. */
  set(key: string, value: string, ttl: number): Promise<void>
  /** Nothing is under the key after it. */
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
  /** To whoever subscribes to the channel now. A message may be lost, and nobody notices. */
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
   * Told before the first {@link Store.add} how long the longest `ttl` will be: for as long, a store
   * that lost its memory must not answer.
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
  /** 43 characters of base64url, which tell nobody what is revoked. */
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

/** What every store must have. */
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
 * What {@link Store.add} rejects with where the entry was added, and nobody can tell whether it was
 * there before: the store may have forgotten it.
 */
export class UncertainError extends Error {
  override readonly name = 'UncertainError'
  readonly code = 'store_indeterminate'
}
