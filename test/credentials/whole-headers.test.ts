/** How many headers make it doubtful that all of them are there. */
import t from 'tap'
import { requireAllHeaders } from '../../src/credentials/whole-headers.js'
import { InvalidRequestError } from '../../src/errors.js'

/** Whether a request with that many headers is refused. */
function refuses(headers: number, max?: number | null): boolean {
  const rawHeaders = Array.from({ length: headers }, (_, i) => [`x-${i}`, '']).flat()
  try {
    requireAllHeaders({ rawHeaders }, max)
    return false
  } catch (error) {
    t.ok(error instanceof InvalidRequestError)
    const { message, expected } = error as InvalidRequestError
    t.equal(message, 'The request has too many headers')
    const most = max ?? 1_000
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
