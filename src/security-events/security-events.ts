/**
 * Receives security event tokens (RFC 8417) from transmitters of the Shared Signals Framework, and
 * revokes the access tokens that an event concerns. The effect of a token is idempotent: it depends
 * only on its claims. A token is remembered after its revocation is stored, so that a transmitter
 * that sends it again gets no acknowledgement of a revocation that failed.
 */
import { ownMember } from '../base/plain-object.js'
import { applicationFailure } from '../errors/application-function.js'
import { InvalidTokenError } from '../errors/errors.js'
import { ResourceServerError } from '../errors/resource-server-error.js'
import type { Result } from '../errors/result.js'
import { responseHeaders } from '../errors/www-authenticate.js'
import { withinDeadline } from '../http/deadline.js'
import { untrustedIssuer } from '../issuer/issuer.js'
import type { KeySource } from '../keys/key-source.js'
import { publish } from '../observability/diagnostics.js'
import type { SecurityEvent } from '../observability/security-event.js'
import type { Counters } from '../observability/statistics.js'
import type { Revocation } from '../revocation/revocations.js'
import type { Claims, ParsedJws } from '../token/compact-jws.js'
import { type EventDelivery, type EventTokens, resultOf } from './event-tokens.js'
import {
  concernsUser,
  effectOf,
  endsSessions,
  isAboutStream,
  isStreamUpdate,
  isVerification,
} from './event-types.js'
import type { Feed, SecurityEventFeedStatus } from './feed.js'
import type { ReceivedEvents } from './received-events.js'
import { checkResolvedSubject } from './resolved-subject.js'
import {
  asSecurityEventRejection,
  readSecurityEventToken,
  type SecurityEventToken,
  withoutSubject,
} from './security-event-token.js'
import type { SubjectIdentifier } from './subject-identifier.js'
import { type RevocationTarget, targetOf } from './subject-target.js'

export interface SecurityEventsOptions {
  readonly feeds: readonly Feed[]
  readonly tokens: EventTokens
  readonly received: ReceivedEvents
  /** Revokes tokens, as `revoke()` of the resource server does. */
  readonly revoke: (revocation: Revocation) => Promise<void>
  readonly counters: Counters
  /** Accepted clock skew, in seconds. */
  readonly clockTolerance: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Time limit of `resolveSubject`, so that a call that never settles does not stop the feed. */
const RESOLVE_TIMEOUT_MS = 5_000

type Effect = Pick<SecurityEvent, 'outcome' | 'revoked'>

export class SecurityEvents {
  readonly #options: SecurityEventsOptions
  readonly #byIssuer: ReadonlyMap<unknown, Feed>

  constructor(options: SecurityEventsOptions) {
    this.#options = options
    this.#byIssuer = new Map(options.feeds.map((feed) => [feed.issuer, feed]))
  }

  status(): readonly SecurityEventFeedStatus[] {
    return this.#options.feeds.map((feed) => feed.status())
  }

  /** Returns the keys of transmitters that are not those of a trusted issuer. */
  ownKeys(): readonly KeySource[] {
    const { feeds } = this.#options
    return feeds.filter(({ options }) => options.hasOwnKeys).map(({ keys }) => keys)
  }

  async close(): Promise<void> {
    await Promise.all(this.ownKeys().map((keys) => keys.close()))
  }

  /** Returns a delivery that arrives now. */
  delivery(isAuthenticated: boolean): EventDelivery {
    return this.#options.tokens.delivery(isAuthenticated)
  }

  /**
   * Verifies a security event token and revokes the tokens that it covers.
   *
   * @param only identifier of the transmitter whose tokens are accepted. Default: any feed's.
   * @param delivery default: an unauthenticated one that arrives now.
   * @throws as described at `ResourceServer.receive`.
   */
  async receive(raw: string, only?: string, delivery?: EventDelivery): Promise<SecurityEvent> {
    const { counters, feeds } = this.#options
    if (feeds.length === 0) throw new TypeError('receive() requires the option "securityEvents"')
    let feed: Feed | undefined
    try {
      if (typeof raw !== 'string') throw new TypeError('a security event token must be a string')
      const { event: token, signer } = await this.#verify(raw, only, delivery, (named) => {
        feed = named
      })
      const event = describeEvent(token, signer.issuer, await this.#process(token, signer))
      const count = event.outcome === 'duplicate' ? 'duplicates' : event.outcome
      counters.securityEvents[count]++
      signer.accept(count)
      publish('security-event:accept', { event })
      return event
    } catch (thrown) {
      const isInvalid = thrown instanceof InvalidTokenError
      const error = isInvalid ? asSecurityEventRejection(thrown) : thrown
      const result = resultOf(error)
      counters.securityEvents[result]++
      feed?.fail(result, error instanceof ResourceServerError ? error.check : 'error')
      if (error instanceof ResourceServerError) {
        // Only an unavailable part has headers: a challenge would ask a transmitter for a token.
        if (!isInvalid) error.headers = responseHeaders(error, { realm: '', scope: '' })
        publish('security-event:reject', { error, issuer: feed?.issuer })
      }
      throw error
    }
  }

  #verify(
    raw: string,
    only: string | undefined,
    delivery: EventDelivery | undefined,
    onNamed: (feed: Feed) => void,
  ) {
    const { tokens, clockTolerance, now } = this.#options
    const resolve = (claims: Claims) => {
      const feed = this.#feedOf(claims, only)
      if (!(feed instanceof InvalidTokenError)) onNamed(feed)
      return feed
    }
    const read = (jws: ParsedJws, { options }: Feed): Result<SecurityEventToken> =>
      readSecurityEventToken(jws, options, clockTolerance, Math.floor(now() / 1000))
    return tokens.verify(raw, { resolve, read }, delivery)
  }

  #feedOf(claims: Claims, only: string | undefined): Feed | InvalidTokenError {
    const iss = ownMember(claims, 'iss')
    const feed = only === undefined || only === iss ? this.#byIssuer.get(iss) : undefined
    return feed ?? untrustedIssuer(only ?? [...this.#byIssuer.keys()].join(' or '), iss)
  }

  async #process(token: SecurityEventToken, feed: Feed): Promise<Effect> {
    const { received } = this.#options
    let failure: unknown
    const isKnown = await received.has(feed.issuer, token).catch((error) => {
      failure = error
    })
    if (isKnown === true) return { outcome: 'duplicate', revoked: undefined }
    const effect = await this.#apply(token, feed)
    // The revocation is in force even if it is unknown whether the token was received before. The
    // transmitter sends the token again.
    if (failure !== undefined) throw failure
    await received.add(feed.issuer, token)
    return effect
  }

  async #apply(token: SecurityEventToken, feed: Feed): Promise<Effect> {
    const { type, payload } = token
    if (isVerification(type)) feed.recordVerification()
    if (isStreamUpdate(type)) feed.recordStreamStatus(ownMember(payload, 'status'))
    const { effects } = feed.options
    if (isAboutStream(type) || effectOf(type, payload, effects) === 'none') {
      return { outcome: 'ignored', revoked: undefined }
    }
    if (token.subject === undefined) throw withoutSubject()
    const target = await findTarget(token.subject, type, feed)
    if (target === undefined) return { outcome: 'unmapped', revoked: undefined }
    await this.#options.revoke(this.#revocationOf(target, token))
    return { outcome: 'revoked', revoked: kindOf(target) }
  }

  #revocationOf(target: RevocationTarget, { type, occurredAt }: SecurityEventToken): Revocation {
    const kind = kindOf(target)
    if (kind === 'token') return { ...target }
    const before = Math.floor(occurredAt)
    // A session that ended issues no more tokens, but a token request may be in flight at the
    // issuer, on a machine whose clock is ahead.
    const isOver = kind === 'session' && endsSessions(type)
    return { ...target, before: isOver ? before + this.#options.clockTolerance : before }
  }
}

function kindOf(target: RevocationTarget): 'session' | 'user' | 'token' {
  if (Object.hasOwn(target, 'sid')) return 'session'
  return Object.hasOwn(target, 'sub') ? 'user' : 'token'
}

async function findTarget(
  subject: SubjectIdentifier,
  type: string,
  { options }: Feed,
): Promise<RevocationTarget | undefined> {
  const target = targetOf(subject, concernsUser(type), options)
  const { resolveSubject, tokenIssuers } = options
  if (target !== undefined || resolveSubject === undefined) return target
  let resolved: unknown
  try {
    const options = { timeout: RESOLVE_TIMEOUT_MS }
    resolved = await withinDeadline(async () => resolveSubject(subject, type), options)
  } catch (thrown) {
    throw applicationFailure('securityEvents.resolveSubject', failureOf(thrown))
  }
  return checkResolvedSubject(resolved, tokenIssuers)
}

/**
 * An error that rejects another token, such as one that the function verified, must not reject the
 * event, because the transmitter would not send it again.
 */
function failureOf(thrown: unknown): unknown {
  if (!(thrown instanceof InvalidTokenError) || thrown.check === 'policy') return thrown
  return new Error('an InvalidTokenError without the check "policy"', { cause: thrown })
}

function describeEvent(token: SecurityEventToken, issuer: string, effect: Effect): SecurityEvent {
  return Object.freeze({ issuer, ...token, ...effect })
}
