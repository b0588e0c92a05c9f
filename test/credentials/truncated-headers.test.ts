/** The number of headers from which Node may have dropped some. */
import t from 'tap'
import type { RequestHeaders } from '../../src/credentials/authorization.js'
import { rejectTruncatedHeaders } from '../../src/credentials/truncated-headers.js'
import { InvalidRequestError } from '../../src/errors/errors.js'

/** Whether a request with that many headers is rejected. */
function rejects(headers: number, max?: number | null): boolean {
  const rawHeaders = Array.from({ length: headers }, (_, i) => [`x-${i}`, '']).flat()
  const server = max === undefined ? {} : { maxHeadersCount: max }
  const results = [
    rejectsRequest({ rawHeaders }, mostOf(max), server),
    rejectsRequest({ rawHeaders, socket: { server } }, mostOf(max), { maxHeadersCount: 3 }),
  ]
  t.equal(results[0], results[1], 'by the server of the connection, or else by the argument')
  return results[0] as boolean
}

const mostOf = (max: unknown) => (typeof max === 'number' ? max : 1_000)

function rejectsRequest(
  request: RequestHeaders & { socket?: object },
  most: number,
  server?: object,
): boolean {
  try {
    rejectTruncatedHeaders(request, server)
    return false
  } catch (error) {
    t.ok(error instanceof InvalidRequestError)
    const { message, expected } = error as InvalidRequestError
    t.equal(message, 'The request has too many headers')
    t.equal(expected, `fewer than ${most} headers: Node may have dropped some ("maxHeadersCount")`)
    return true
  }
}

t.test('B3: rejects a request with as many headers as Node keeps', async (t) => {
  for (const max of [undefined, null, 1_000]) {
    t.equal(rejects(999, max), false, `${max}`)
    t.equal(rejects(1_000, max), true, `${max}`)
  }
  t.equal(rejects(7, 8), false)
  t.equal(rejects(8, 8), true)
  t.equal(rejects(9, 8), true)
})

t.test('B3: accepts any number of headers if Node keeps all', async (t) => {
  t.equal(rejects(0, 0), false)
  t.equal(rejects(5_000, 0), false)
})

t.test('counts headers like the parser of Node', async (t) => {
  t.equal(rejects(1_000, '50' as never), true, 'a limit that is not a number is ignored')
  t.equal(rejects(999, '50' as never), false)
  t.equal(rejects(5_000, -1), false, 'a negative limit keeps all')
  const rawHeaders = Array.from({ length: 40 }, () => '')
  const fraction = { maxHeadersCount: 20.5 }
  t.throws(() => rejectTruncatedHeaders({ rawHeaders }, fraction), InvalidRequestError)
})

t.test('ignores a limit in a polluted prototype', async (t) => {
  const prototype = Object.prototype as { maxHeadersCount?: number }
  prototype.maxHeadersCount = 0
  t.teardown(() => delete prototype.maxHeadersCount)
  t.equal(rejects(1_000), true)
})
