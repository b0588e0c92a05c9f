/**
 * A question to the introspection endpoint that got no verdict, as the operator is told of it. Its
 * message is made of fixed words, an address and a status: nothing that a platform or a `fetch` of
 * the application's put into an error of theirs is passed on, because it may hold the request, and
 * the request holds the token and our secret.
 */

import { DiscoveryError } from '../issuer/metadata.js'
import { UnexpectedAnswerError } from '../keys/fetch-json.js'
import { isError } from '../native-error.js'

export interface IntrospectionFailureDetails {
  /**
   * Whose fault it may be. The `issuer`'s holds for every token, and nobody is asked for a while. A
   * `token`'s holds for that one alone, or a stranger could shut out everybody with a token that
   * makes the issuer stumble. `either`: an outage, or a filter on the way that minds the token; it
   * is found out which (`questions.ts`). `ours`: too many questions at once, or closed.
   */
  readonly of: 'issuer' | 'token' | 'either' | 'ours'
  /** `error` where nothing heals it but a change of the configuration. Default `warn`. */
  readonly level?: 'warn' | 'error'
  /** What the issuer asked for, in milliseconds. */
  readonly retryAfter?: number | undefined
}

export class IntrospectionFailure extends Error {
  override readonly name = 'IntrospectionFailure'
  readonly of: IntrospectionFailureDetails['of']
  readonly level: 'warn' | 'error'
  readonly retryAfter: number | undefined

  constructor(message: string, { of, level = 'warn', retryAfter }: IntrospectionFailureDetails) {
    super(message)
    this.of = of
    this.level = level
    this.retryAfter = retryAfter
  }

  /** The same, once it is known whose fault it was. */
  blamedOn(of: 'issuer' | 'token'): IntrospectionFailure {
    const message =
      of === 'token' ? `${this.message} (at one token: it answers about others)` : this.message
    return new IntrospectionFailure(message, { ...this, of })
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
    { of: 'either' },
  )
}

const DEADLINE = /^no complete answer within \d+ ms$/

/** The code of a system error, which undici keeps one or two causes down. */
function code(error: unknown, depth = 0): string {
  if (!isError(error) || depth > 3) return 'no answer'
  const own = (error as NodeJS.ErrnoException).code
  return typeof own === 'string' && /^[A-Z][A-Z0-9_]{1,40}$/.test(own)
    ? own
    : code(error.cause, depth + 1)
}
