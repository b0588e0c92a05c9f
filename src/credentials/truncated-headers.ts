/**
 * Rejects requests whose headers may be truncated. If a request has more headers than
 * `maxHeadersCount` of its server, Node silently drops the last ones. An attacker who sends enough
 * headers could therefore remove a header that a proxy appends, or hide a duplicate.
 */
import { InvalidRequestError } from '../errors/errors.js'
import type { RequestHeaders } from './authorization.js'

/** Default of Node's parser. Node's documentation says 2,000, which is wrong. */
const DEFAULT_MAX_HEADERS = 1_000

/**
 * @param server the server to use if the request has no reference to the server of its connection.
 * @throws {InvalidRequestError} if Node may have dropped headers.
 */
export function rejectTruncatedHeaders(request: RequestHeaders, server?: object): void {
  // Prefers the server of the connection: an API may have several servers with different limits.
  const { socket } = request as { socket?: { server?: object } | null }
  // Node's parser counts names and values, so its limit is twice the number of headers. A limit of
  // 0 or less means no limit.
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
