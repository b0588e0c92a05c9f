/** How many headers make it doubtful that all of them are there. */
import t from 'tap'
import type { RequestHeaders } from '../../src/credentials/authorization.js'
import { rejectTruncatedHeaders } from '../../src/credentials/truncated-headers.js'
import { InvalidRequestError } from '../../src/errors/errors.js'

/** Whether a request with that many headers is refused. */
function refuses(headers: number, max?: number | null): boolean {
  const rawHeaders = Array.from({ length: headers }, (_, i) => [`x-${i}`, '']).flat()
  const server = max === undefined ? {} : { maxHeadersCount: max }
  const verdicts = [
    refusesRequest({ rawHeaders }, mostOf(max), server),
    refusesRequest({ rawHeaders, socket: { server } }, mostOf(max), { maxHeadersCount: 3 }),
  ]
  t.equal(
    verdicts[0],
    verdicts[1],
    'by the server of the connection, or else by the one that is given',
  )
  return verdicts[0] as boolean
}

const mostOf = (max: unknown) => (typeof max === 'number' ? max : 1_000)

function refusesRequest(
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

t.test('B3: a request with as many headers as Node keeps may have had more', async (t) => {
  for (const max of [undefined, null, 1_000]) {
    t.equal(refuses(999, max), false, `${max}`)
    t.equal(refuses(1_000, max), true, `${max}`)
  }
  t.equal(refuses(7, 8), false)
  t.equal(refuses(8, 8), true)
  t.equal(refuses(9, 8), true)
})

t.test('B3: where all headers are kept, none is missing', async (t) => {
  t.equal(refuses(0, 0), false)
  t.equal(refuses(5_000, 0), false)
})

t.test('counts as the parser of Node does', async (t) => {
  t.equal(refuses(1_000, '50' as never), true, 'what is no number is none')
  t.equal(refuses(999, '50' as never), false)
  t.equal(refuses(5_000, -1), false, 'less than 0 keeps all')
  const rawHeaders = Array.from({ length: 40 }, () => '')
  const fraction = { maxHeadersCount: 20.5 }
  t.throws(() => rejectTruncatedHeaders({ rawHeaders }, fraction), InvalidRequestError)
})

t.test('a polluted prototype sets no limit', async (t) => {
  const prototype = Object.prototype as { maxHeadersCount?: number }
  prototype.maxHeadersCount = 0
  t.teardown(() => delete prototype.maxHeadersCount)
  t.equal(refuses(1_000), true)
})
