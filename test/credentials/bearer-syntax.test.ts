/**
 * The characters of a header are not checked if its token is cached, or rejected for another
 * reason. The result must still be that of the grammar of RFC 6750 §2.1.
 */
import t from 'tap'
import { bearerToken } from '../../src/credentials/bearer.js'
import { InvalidRequestError } from '../../src/errors/errors.js'
import { bearer, given, protectedApi, tokenOf } from '../fixtures/protected-api.js'
import { Chance } from '../fixtures/random.js'

/** The grammar of RFC 6750 §2.1, with the trailing white space of RFC 9110 §5.5. */
const SYNTAX = /^bearer +([A-Za-z0-9\-._~+/]+=*)[ \t]*$/i
const SCHEME = /^bearer(?:[ \t]|$)/i

const valid = await tokenOf()
const expired = await tokenOf({ exp: 1 })

/** Parses a header by the grammar: a token, an error, or another scheme. */
function read(header: string): string | number | undefined {
  if (!SCHEME.test(header)) return undefined
  return SYNTAX.exec(header)?.[1] ?? 400
}

const SCHEMES = [
  'Bearer',
  'bearer',
  'BEARER',
  'bEaReR',
  'Bearer',
  'Bear',
  'Bearerr',
  'Basic',
  'DPoP',
]
const GAPS = ['', ' ', '  ', '     ', '\t', ' \t', '\t ', '\u00a0', ',', '=', ':']
const ENDS = ['', ' ', '\t', ' \t ', '\u00a0', '=', '==', ' =', ',', '\x0b', '\x0c', ' x', '\x7f']
const PIECES = [
  'a',
  'Z',
  '0',
  '-',
  '.',
  '_',
  '~',
  '+',
  '/',
  '=',
  ' ',
  '\t',
  '"',
  '\u00e9',
  '%',
  ';',
  'Bearer ',
]

function header(chance: Chance): string {
  const tokens = [
    valid,
    expired,
    '',
    'x.y.z',
    Array.from({ length: chance.below(6) }, () => chance.pick(PIECES)).join(''),
    `${valid.slice(0, 30)}${chance.pick(PIECES)}${valid.slice(30)}`,
    `${chance.pick(PIECES)}${valid}${chance.pick(PIECES)}`,
  ]
  const usual = chance.below(2) === 0 ? `${chance.pick(['Bearer', 'bearer'])} ` : undefined
  const scheme = usual ?? chance.pick(SCHEMES) + chance.pick(GAPS)
  return scheme + chance.pick(tokens) + (chance.below(2) === 0 ? '' : chance.pick(ENDS))
}

t.test('B1: reads every header according to the grammar', async (t) => {
  const chance = new Chance('bearer syntax')
  const wrong = []
  const seen = { token: 0, mistake: 0, nothing: 0 }
  for (let i = 0; i < 200_000; i++) {
    const value = header(chance)
    const expected = read(value)
    let found: string | number | undefined
    try {
      found = bearerToken({ rawHeaders: ['Authorization', value] })
    } catch (error) {
      found = error instanceof InvalidRequestError ? 400 : String(error)
    }
    if (found !== expected) wrong.push(value)
    if (expected === undefined) seen.nothing++
    else if (expected === 400) seen.mistake++
    else seen.token++
  }
  t.same(wrong.slice(0, 9), [])
  for (const [kind, count] of Object.entries(seen)) t.ok(count > 10_000, `${kind}: ${count}`)
})

t.test(
  'B1, B3, B7: responds with 200, 400 or 401 according to the grammar, cached or not',
  async (t) => {
    for (const tokenCache of [undefined, false] as const) {
      const app = await protectedApi(t, tokenCache === false ? { tokenCache } : {})
      app.get('/', async () => 'in')
      await app.inject({ url: '/', headers: bearer(valid) })
      const chance = new Chance('bearer answers')
      const wrong: unknown[] = []
      const seen = new Map<string, number>()
      for (let i = 0; i < 4_000; i++) {
        const value = header(chance)
        const expected = resultOf(read(value))
        const { statusCode, headers } = await app.inject({
          url: '/',
          headers: { authorization: value },
        })
        const [, code = ''] = /error="(\w+)"/.exec(`${headers['www-authenticate'] ?? ''}`) ?? []
        const result = `${statusCode} ${code}`.trim()
        if (result !== expected) wrong.push({ value, expected, result })
        seen.set(result, (seen.get(result) ?? 0) + 1)
      }
      t.same(wrong.slice(0, 9), [])
      t.same([...seen.keys()].sort(), ['200', '400 invalid_request', '401', '401 invalid_token'])
      for (const [result, count] of seen) t.ok(count > 50, `${result}: ${count}`)
    }
  },
)

function resultOf(read: string | number | undefined): string {
  if (read === undefined) return '401'
  if (read === 400) return '400 invalid_request'
  return read === valid ? '200' : '401 invalid_token'
}

t.test('rejects an invalid token from extractToken as a token, not as a header', async (t) => {
  const extractToken = () => 'no token68!'
  const app = await protectedApi(t, given({ extractToken }))
  app.get('/', async () => 'in')
  t.equal((await app.inject('/')).statusCode, 401)
})
