/**
 * Whether all headers of a request are there. Node keeps the first ones, and drops the rest without a
 * word (`maxHeadersCount` of its server): whoever sends enough of them first has the header dropped
 * that a proxy adds, or the second one of a name, which would tell that something is wrong.
 */
import { InvalidRequestError } from '../errors.js'
import type { RequestHeaders } from './authorization.js'

/** Of Node's parser, where nothing was configured. Its documentation says twice as many. */
const USUAL_MAX = 1_000

/**
 * @param max of the server: 0 keeps all, nothing is Node's default.
 * @throws {InvalidRequestError} if some may be missing.
 */
export function requireAllHeaders({ rawHeaders }: RequestHeaders, max?: number | null): void {
  const most = max ?? USUAL_MAX
  // A name and a value each.
  if (most === 0 || rawHeaders.length < most * 2) return
  throw new InvalidRequestError('The request has too many headers', {
    expected: `fewer than ${most} headers: Node may have dropped some ("maxHeadersCount")`,
  })
}
