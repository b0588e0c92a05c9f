import type { JWTPayload } from 'jose'
import { BoundedCache } from '../../../base/bounded-cache.js'
import type { TestUser } from '../tokens/test-accounts.js'
import type { TokenSubject } from '../tokens/token-profile.js'

const MAX_SESSIONS = 20_000

/** A sign-in of a user, for which tokens were issued. */
export interface Session {
  /** The claim `sid` of the tokens that have one. */
  readonly id: string
  /** Absent if the test overrode `sub`. */
  readonly user?: TestUser | undefined
  /** The `sub` that the test set; absent if there is a user. */
  readonly subject?: string | undefined
}

/** Returns the session of a token. It has no user if a test replaced the `sub` of the subject. */
export function sessionOf(
  { session: id, user }: TokenSubject,
  { sub }: JWTPayload,
  subject: string | undefined,
): Session {
  return sub === subject ? { id, user } : { id, subject: sub }
}

/**
 * Stores which sessions are active, which have ended, and which users are disabled. If there are
 * more than 20,000 active sessions, the server forgets the least recent one without ending it.
 */
export class Sessions {
  readonly #active = new BoundedCache<string, Session>({ max: MAX_SESSIONS })
  readonly #ended = new BoundedCache<string, true>({ max: MAX_SESSIONS })
  readonly #disabledUsers = new Set<string>()

  /** Records a session when a token is issued for it. Has no effect on a session that is over. */
  record(session: Session): void {
    if (this.isOver(session) || this.#active.has(session.id)) return
    this.#active.set(session.id, session)
  }

  /** Whether the session has ended, or its user is disabled. */
  isOver({ id, user }: Session): boolean {
    return this.#ended.has(id) || (user !== undefined && this.isDisabled(user))
  }

  /** Returns an active session; `undefined` if there is none with this id. */
  find(id: string): Session | undefined {
    return this.#active.peek(id)
  }

  /** Returns the active sessions of a user; the most recent session is the first. */
  of({ username }: TestUser): Session[] {
    return [...this.#active.values()].filter(({ user }) => user?.username === username)
  }

  /** Ends a session for good: {@link record} does not start it again. */
  end(id: string): void {
    this.#active.delete(id)
    this.#ended.set(id, true)
  }

  disable({ username }: TestUser): void {
    this.#disabledUsers.add(username)
  }

  isDisabled({ username }: TestUser): boolean {
    return this.#disabledUsers.has(username)
  }
}
