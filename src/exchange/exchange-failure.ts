/**
 * Describes why an exchange failed, for callers and the operator. The messages contain URLs,
 * statuses and fixed sentences, but never the original error of the platform or of the
 * application's `fetch`: that error may hold the request, which contains tokens and our secret.
 */

import { DiscoveryError } from '../http/discovery.js'
import { NoResponseError, UnexpectedResponseError } from '../http/fetch-json.js'
import { noResponseFrom } from '../http/no-response.js'
import type { TokenExchangeErrorDetails } from './token-exchange-error.js'

/** The authorization server rejected the exchange: a result, although no token was issued. */
export class RejectedExchange extends Error {
  readonly details: TokenExchangeErrorDetails

  constructor(details: TokenExchangeErrorDetails) {
    super('the authorization server rejected the exchange')
    this.details = details
  }
}

export interface FailedExchangeDetails {
  /**
   * The cause to which the failure is attributed. `server`: every exchange is affected. `either`:
   * the server, or this subject token only. `ours`: too many exchanges are queued, or the exchanger
   * was closed.
   */
  readonly attributedTo: 'server' | 'either' | 'ours'
  /** The `Retry-After` of the response, in milliseconds; `undefined` if it has none. */
  readonly retryAfterMs?: number | undefined
  /** Whether the endpoint may have another URL now. */
  readonly mayHaveMoved?: boolean
}

/** There is no usable response. */
export class FailedExchange extends Error {
  readonly attributedTo: FailedExchangeDetails['attributedTo']
  readonly retryAfterMs: number | undefined
  readonly mayHaveMoved: boolean

  constructor(message: string, details: FailedExchangeDetails) {
    super(message)
    this.attributedTo = details.attributedTo
    this.retryAfterMs = details.retryAfterMs
    this.mayHaveMoved = details.mayHaveMoved ?? false
  }
}

/**
 * Converts an error that was thrown during discovery or the token request.
 *
 * @param url the URL that sent no response, without its query, for the message.
 * @param beforeToken whether the subject token was not sent yet, so that no token is the cause.
 */
export function exchangeFailureFrom(
  error: unknown,
  url: string,
  beforeToken: boolean,
): RejectedExchange | FailedExchange {
  if (error instanceof RejectedExchange || error instanceof FailedExchange) return error
  if (error instanceof DiscoveryError || error instanceof NoResponseError) {
    const retryAfterMs = error instanceof DiscoveryError ? error.retryAfter : undefined
    return new FailedExchange(error.message, { attributedTo: 'server', retryAfterMs })
  }
  if (error instanceof UnexpectedResponseError) {
    return new FailedExchange(error.message, { attributedTo: 'either' })
  }
  const { reason, isUnreachable } = noResponseFrom(error)
  return new FailedExchange(`token exchange at ${url} failed: ${reason}`, {
    attributedTo: beforeToken || isUnreachable ? 'server' : 'either',
  })
}

export function closedExchanger(): FailedExchange {
  return new FailedExchange('the token exchanger was closed', { attributedTo: 'ours' })
}
