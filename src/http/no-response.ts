/**
 * Describes why a request got no response. The description never contains text of the original
 * error, because that error may hold the request, which contains tokens and our secret.
 */
import { failureCode } from '../errors/failure-text.js'
import { DeadlineError } from './deadline.js'

export interface NoResponse {
  /** The text for the operator: a passed deadline, the code of a system error, or `no response`. */
  readonly reason: string
  /** Whether the request was not sent, so that no token in the request is the cause. */
  readonly isUnreachable: boolean
}

/** @param error the error of `fetch`, or a {@link DeadlineError}. */
export function noResponseFrom(error: unknown): NoResponse {
  const reason =
    error instanceof DeadlineError ? error.message : (failureCode(error) ?? 'no response')
  return { reason, isUnreachable: UNREACHABLE.has(reason) }
}

/** Codes of system errors that occur before the request is sent. */
const UNREACHABLE: ReadonlySet<string> = new Set([
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'UND_ERR_CONNECT_TIMEOUT',
])
