import { createHmac, randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { BoundedCache } from '../../../base/bounded-cache.js'
import { secretsEqual } from '../endpoints/secret-comparison.js'
import type { Form } from '../http/form.js'
import { opaqueToken } from '../tokens/opaque-token.js'
import type { TestUser } from '../tokens/test-accounts.js'

const MAX_SESSIONS = 1_000
const MAX_GRANTS = 100
const LIFETIME_SECONDS = 8 * 3600

/** A user who has logged in with a browser. */
export interface BrowserSession {
  readonly user: TestUser
  /** The time of the login, in seconds since the epoch. */
  readonly authTime: number
  /** The ids of the sessions that clients got through this login, at most the last 100. */
  readonly grants: string[]
}

/** The browser that sent a request. */
export interface Visitor {
  /** The value of the cookie: a secret that only this browser has. */
  readonly cookie: string
  /** The value that forms of this browser must contain. */
  readonly formToken: string
  /** The login of this browser; `undefined` if there is none. */
  readonly session: BrowserSession | undefined
  /** The headers that set the cookie; empty if the browser has it already. */
  readonly headers: Record<string, string>
}

export interface CookieSettings {
  readonly name: string
  readonly path: string
  readonly secure: boolean
}

/**
 * Knows browsers by a cookie. The server stores only the logins: at most 1,000, the least recently
 * used one is forgotten, and each ends after 8 hours. Each login replaces the cookie, so that a
 * cookie from before the login is worth nothing.
 */
export class BrowserSessions {
  readonly #cookie: CookieSettings
  readonly #now: () => number
  readonly #logins = new BoundedCache<string, BrowserSession>({ max: MAX_SESSIONS })
  readonly #formKey = randomBytes(32)

  /** @param now returns the current time, in milliseconds since the epoch. */
  constructor(cookie: CookieSettings, now: () => number) {
    this.#cookie = cookie
    this.#now = now
  }

  /** Returns the browser that sent a request, with a new cookie if it has none. */
  visitor(request: IncomingMessage): Visitor {
    const known = cookieIn(request, this.#cookie.name)
    const cookie = known ?? opaqueToken()
    const headers = known === undefined ? this.#setCookie(cookie) : {}
    return { cookie, formToken: this.#formToken(cookie), session: this.#login(cookie), headers }
  }

  /**
   * Whether a form was sent from a page of this server that this browser got: it contains the
   * browser's form token, and the headers name no other origin. A page on another port of the same
   * host can set the cookie, but cannot change these headers.
   */
  isGenuine(form: Form, { formToken }: Visitor, request: IncomingMessage): boolean {
    return isSameOrigin(request) && secretsEqual(form.get('form_token') ?? '', formToken)
  }

  /** Logs a user in, and returns the headers with the new cookie. */
  logIn(user: TestUser, { cookie: previous }: Visitor): Record<string, string> {
    this.#logins.delete(previous)
    const cookie = opaqueToken()
    this.#logins.set(cookie, { user, authTime: Math.floor(this.#now() / 1000), grants: [] })
    return this.#setCookie(cookie)
  }

  /** Records a session that a client got through a login. */
  addGrant({ grants }: BrowserSession, session: string): void {
    grants.push(session)
    if (grants.length > MAX_GRANTS) grants.shift()
  }

  logOut({ cookie }: Visitor): void {
    this.#logins.delete(cookie)
  }

  /** Ends the login through which a client got the session, and returns its other sessions. */
  endWith(session: string): readonly string[] {
    for (const [cookie, { grants }] of [...this.#logins.entries()]) {
      if (!grants.includes(session)) continue
      this.#logins.delete(cookie)
      return grants.filter((grant) => grant !== session)
    }
    return []
  }

  /** Ends all logins of a user. */
  endOf({ username }: TestUser): void {
    for (const [cookie, { user }] of [...this.#logins.entries()]) {
      if (user.username === username) this.#logins.delete(cookie)
    }
  }

  #login(cookie: string): BrowserSession | undefined {
    const login = this.#logins.get(cookie)
    if (login === undefined) return undefined
    return this.#now() / 1000 < login.authTime + LIFETIME_SECONDS ? login : undefined
  }

  #formToken(cookie: string): string {
    return createHmac('sha256', this.#formKey).update(cookie).digest('base64url')
  }

  #setCookie(value: string): Record<string, string> {
    const { name, path, secure } = this.#cookie
    const attributes = `Path=${path}; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`
    return { 'set-cookie': `${name}=${value}; ${attributes}` }
  }
}

/** Returns the value of a cookie; `undefined` if it is absent, malformed or there are several. */
function cookieIn({ headers }: IncomingMessage, name: string): string | undefined {
  const pairs = (headers.cookie ?? '').split(/; */)
  const values = pairs.filter((pair) => pair.startsWith(`${name}=`))
  const value = values.length === 1 ? values[0]?.slice(name.length + 1) : undefined
  return value !== undefined && /^[\w-]{43}$/.test(value) ? value : undefined
}

function isSameOrigin({ headers }: IncomingMessage): boolean {
  const { host, origin, 'sec-fetch-site': site = 'same-origin' } = headers
  if (site !== 'same-origin') return false
  return origin === undefined || /^https?:\/\/(.*)$/.exec(origin)?.[1] === host
}
