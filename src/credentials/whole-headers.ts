/**
 * Whether all headers of a request are there. Node keeps the first ones and silently drops the rest
 * (`maxHeadersCount` of its server): a client that sends enough headers removes the one that a proxy
 * adds, or the second one of a name, which would show that something is wrong.
 */
import { InvalidRequestError } from '../errors/errors.js'
import type { RequestHeaders } from './authorization.js'

/** Of Node's parser, where nothing was configured. Its documentation says twice as many. */
const USUAL_MAX = 1_000

/**
 * @param server counts where the request doesn't know the server that took its connection.
 * @throws {InvalidRequestError} if some may be missing.
 */
export function requireAllHeaders(request: RequestHeaders, server?: object): void {
  // Several servers may listen for one API, and each has its own limit.
  const { socket } = request as { socket?: { server?: object } | null }
  // Counted as Node's parser does: a name and a value each; 0 or less keeps all.
  const most = maxHeadersCountOf(socket?.server ?? server) << 1
  if (most <= 0 || request.rawHeaders.length < most) return
  throw new InvalidRequestError('The request has too many headers', {
    expected: `fewer than ${most / 2} headers: Node may have dropped some ("maxHeadersCount")`,
  })
}

function maxHeadersCountOf(server: object | undefined): number {
  if (server === undefined || !Object.hasOwn(server, 'maxHeadersCount')) return USUAL_MAX
  const { maxHeadersCount } = server as { maxHeadersCount?: unknown }
  return typeof maxHeadersCount === 'number' ? maxHeadersCount : USUAL_MAX
}
