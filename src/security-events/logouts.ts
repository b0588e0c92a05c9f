/**
 * Revokes access tokens when an issuer reports a logout with a logout token (OpenID Connect
 * Back-Channel Logout 1.0). The effect of a logout token is idempotent: it depends only on the
 * claims of the token.
 */
import { InvalidTokenError } from '../errors/errors.js'
import { ResourceServerError } from '../errors/resource-server-error.js'
import { responseHeaders } from '../errors/www-authenticate.js'
import type { IssuerSource } from '../issuer/issuer.js'
import { publish } from '../observability/diagnostics.js'
import type { Counters } from '../observability/statistics.js'
import type { Revocation } from '../revocation/revocations.js'
import { type EventTokens, resultOf } from './event-tokens.js'
import {
  asLogoutTokenRejection,
  type LogoutToken,
  readLogoutToken,
  replayedLogoutToken,
} from './logout-token.js'
import type { ResolvedLogoutTokenOptions } from './options.js'
import { memoryOf, type UsedTokens } from './used-tokens.js'

/** What an accepted logout token says, and what was revoked. */
export interface Logout {
  /** Issuer identifier: the claim `iss` of the logout token. */
  readonly issuer: string
  /** The claim `sub`: the user; `undefined` if the logout token names only a session. */
  readonly subject: string | undefined
  /** The claim `sid`: the session; `undefined` if the logout token names only a user. */
  readonly sessionId: string | undefined
  /** Whether the tokens of the session or all tokens of the user were revoked. */
  readonly revoked: 'session' | 'user'
}

export interface LogoutsOptions {
  readonly tokens: EventTokens
  readonly issuers: Pick<IssuerSource, 'resolve' | 'admit'>
  readonly used: UsedTokens
  /** Revokes tokens, as `revoke()` of the resource server does. */
  readonly revoke: (revocation: Revocation) => Promise<void>
  readonly counters: Counters
  /** Accepted clock skew, in seconds. */
  readonly clockTolerance: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export class Logouts {
  readonly #options: LogoutsOptions

  constructor(options: LogoutsOptions) {
    this.#options = options
  }

  /**
   * Verifies a logout token and revokes the tokens that it covers.
   *
   * @param context the argument for a function as `issuer`.
   * @throws as described at `ResourceServer.revokeByLogoutToken`.
   */
  async accept(
    raw: string,
    options: ResolvedLogoutTokenOptions,
    context: unknown,
  ): Promise<Logout> {
    const { logoutTokens } = this.#options.counters
    try {
      const token = await this.#verify(raw, options, context)
      const logout = await this.#revokeOnce(token, options)
      logoutTokens.accepted++
      publish('logout:accept', { issuer: logout.issuer, revoked: logout.revoked })
      return logout
    } catch (thrown) {
      const isInvalid = thrown instanceof InvalidTokenError
      const error = isInvalid ? asLogoutTokenRejection(thrown) : thrown
      logoutTokens[resultOf(error)]++
      if (error instanceof ResourceServerError) {
        // Only an unavailable part has headers: a challenge would ask an issuer for a token.
        if (!isInvalid) error.headers = responseHeaders(error, { realm: '', scope: '' })
        publish('logout:reject', { error })
      }
      throw error
    }
  }

  async #verify(
    raw: string,
    { clientIds, maxAge }: ResolvedLogoutTokenOptions,
    context: unknown,
  ): Promise<LogoutToken> {
    const { tokens, issuers, now, clockTolerance } = this.#options
    if (typeof raw !== 'string') throw new TypeError('a logout token must be a string')
    const expectations = { clientIds, maxAge, clockTolerance }
    const { event, signer } = await tokens.verify(raw, {
      resolve: (claims) => issuers.resolve(claims, context),
      read: (jws) => readLogoutToken(jws, expectations, Math.floor(now() / 1000)),
    })
    issuers.admit(signer)
    return event
  }

  async #revokeOnce(
    token: LogoutToken,
    { revokes, maxAge }: ResolvedLogoutTokenOptions,
  ): Promise<Logout> {
    const { used, revoke, clockTolerance } = this.#options
    const { issuer, subject, sessionId } = token
    let failure: unknown
    const isKnown = await used.has(token).catch((error) => {
      failure = error
    })
    if (isKnown === true) throw replayedLogoutToken()
    const revocation = this.#revocationOf(token, revokes)
    await revoke(revocation)
    // The session ended even if it is unknown whether the token was used before. The issuer may
    // send the token again.
    if (failure !== undefined) throw failure
    // Remembered after the revocation is stored: otherwise, the issuer could not repeat the token
    // after this process ended in between.
    if (!(await used.add(token, memoryOf(maxAge, clockTolerance)))) throw replayedLogoutToken()
    const revoked = Object.hasOwn(revocation, 'sid') ? 'session' : 'user'
    return { issuer, subject, sessionId, revoked }
  }

  #revocationOf(
    { issuer, issuedAt, subject, sessionId }: LogoutToken,
    revokes: string,
  ): Revocation {
    const byUser = subject !== undefined && (revokes === 'user' || sessionId === undefined)
    // `iat` of both tokens is from the issuer's clock. A user who signs in again gets tokens with a
    // later `iat`; a token with an equal one may be older than the logout.
    if (byUser) return { sub: subject, issuer, before: issuedAt }
    // A session that ended issues no more tokens, but a token request may be in flight at the
    // issuer, on a machine whose clock is ahead.
    const before = issuedAt + this.#options.clockTolerance
    return { sid: sessionId as string, issuer, before }
  }
}
