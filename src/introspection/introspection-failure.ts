/**
 * A question to the introspection endpoint that got no verdict, as the operator is told of it. Its
 * message is made of fixed words, an address and a status: nothing that a platform or a `fetch` of
 * the application's put into an error of theirs is passed on, because it may hold the request, and
 * the request holds the token and our secret.
 */

import { isError } from '../base/native-error.js'
import { UnexpectedAnswerError } from '../http/fetch-json.js'
import { DiscoveryError } from '../http/metadata.js'

export interface IntrospectionFailureDetails {
  /**
   * What it concerns. `issuer`: every token, and nobody is asked for a while. `token`: that one alone,
   * or an attacker could lock out every caller with a token that makes the issuer stumble. `either`:
   * an outage, or an answer about this token; a probe tells which (`questions.ts`). `ours`: too many
   * questions at once, or closed.
   */
  readonly of: 'issuer' | 'token' | 'either' | 'ours'
  /** `error` where nothing heals it but a change of the configuration. Default `warn`. */
  readonly level?: 'warn' | 'error'
  /** What the issuer asked for, in milliseconds. */
  readonly retryAfter?: number | undefined
  /** What was answered, where something was. */
  readonly status?: number | undefined
  /** Whether it failed before the token was sent, so that no token can be the cause. */
  readonly beforeToken?: boolean
  /** The message if it turns out to concern one token, and the level is `warn` then. */
  readonly aboutToken?: string | undefined
  /** Added to the message, at level `error`, if the token is trusted: the issuer can't introspect it. */
  readonly aboutTrusted?: string | undefined
}

/** What issuers answer about a token that they don't know, or that was revoked, in place of a 200. */
const ABOUT_UNKNOWN_TOKENS: ReadonlySet<number | undefined> = new Set([400, 401, 403, 404, 429])

export class IntrospectionFailure extends Error {
  override readonly name = 'IntrospectionFailure'
  readonly of: IntrospectionFailureDetails['of']
  readonly level: 'warn' | 'error'
  readonly retryAfter: number | undefined
  readonly status: number | undefined
  readonly beforeToken: boolean
  readonly #aboutToken: string
  readonly #aboutTrusted: string | undefined

  constructor(message: string, details: IntrospectionFailureDetails) {
    super(message)
    const { of, level = 'warn', retryAfter, status, aboutToken = message } = details
    const { beforeToken = false } = details
    this.of = of
    this.level = level
    this.retryAfter = retryAfter
    this.status = status
    this.beforeToken = beforeToken
    this.#aboutToken = aboutToken
    this.#aboutTrusted = details.aboutTrusted
  }

  get isThrottling(): boolean {
    return this.status === 429
  }

  /** Whether some issuers answer so about any token that they don't know. */
  get mayBeUnknownToken(): boolean {
    return ABOUT_UNKNOWN_TOKENS.has(this.status)
  }

  /** The same about a trusted token. */
  ofTrusted(): IntrospectionFailure {
    if (this.#aboutTrusted === undefined) return this
    const message = `${this.message}: ${this.#aboutTrusted}`
    return new IntrospectionFailure(message, { ...this, level: 'error' })
  }

  /** The same, once it is known that it concerns every token. */
  ofIssuer(): IntrospectionFailure {
    return new IntrospectionFailure(this.message, { ...this, of: 'issuer' })
  }

  /** The same, once it is known that it concerns one token. @param because in words. */
  ofToken(because: string): IntrospectionFailure {
    const { retryAfter, status } = this
    const message = `${this.#aboutToken} (at one token: ${because})`
    return new IntrospectionFailure(message, { of: 'token', retryAfter, status })
  }
}

/** Whatever was thrown on the way to an answer. */
export function failureFrom(error: unknown, issuer: string): IntrospectionFailure {
  if (error instanceof IntrospectionFailure) return error
  if (error instanceof UnexpectedAnswerError) {
    return new IntrospectionFailure(error.message, { of: 'token', retryAfter: error.retryAfter })
  }
  if (error instanceof DiscoveryError) {
    return new IntrospectionFailure(error.message, { of: 'issuer', retryAfter: error.retryAfter })
  }
  const reason = isError(error) && DEADLINE.test(error.message) ? error.message : code(error)
  return new IntrospectionFailure(
    `the introspection endpoint of ${issuer} could not be asked: ${reason}`,
    { of: 'either', beforeToken: UNREACHABLE.has(reason) },
  )
}

const UNREACHABLE: ReadonlySet<string> = new Set([
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'UND_ERR_CONNECT_TIMEOUT',
])

const DEADLINE = /^no complete answer within \d+ ms$/

/** The code of a system error, which undici keeps one or two causes down. */
function code(error: unknown, depth = 0): string {
  if (!isError(error) || depth > 3) return 'no answer'
  const own = (error as NodeJS.ErrnoException).code
  return typeof own === 'string' && /^[A-Z][A-Z0-9_]{1,40}$/.test(own)
    ? own
    : code(error.cause, depth + 1)
}
