/**
 * Rejects requests whose headers may be truncated. Node keeps the first headers and silently drops
 * the rest (`maxHeadersCount` of its server): an attacker who sends enough headers could remove one
 * that a proxy appends, or hide a duplicate.
 */
import { InvalidRequestError } from '../errors/errors.js'
import type { RequestHeaders } from './authorization.js'

/** Default of Node's parser; its documentation says 2,000. */
const DEFAULT_MAX_HEADERS = 1_000

/**
 * @param server used if the request does not know the server of its connection.
 * @throws {InvalidRequestError} if headers may be missing.
 */
export function rejectTruncatedHeaders(request: RequestHeaders, server?: object): void {
  // Several servers may listen for one API, each with its own limit.
  const { socket } = request as { socket?: { server?: object } | null }
  // Counts like Node's parser: a header is a name and a value; 0 or less means no limit.
  const limit = maxHeadersCountOf(socket?.server ?? server) << 1
  if (limit <= 0 || request.rawHeaders.length < limit) return
  throw new InvalidRequestError('The request has too many headers', {
    expected: `fewer than ${limit / 2} headers: Node may have dropped some ("maxHeadersCount")`,
  })
}

function maxHeadersCountOf(server: object | undefined): number {
  if (server === undefined || !Object.hasOwn(server, 'maxHeadersCount')) return DEFAULT_MAX_HEADERS
  const { maxHeadersCount } = server as { maxHeadersCount?: unknown }
  return typeof maxHeadersCount === 'number' ? maxHeadersCount : DEFAULT_MAX_HEADERS
}
