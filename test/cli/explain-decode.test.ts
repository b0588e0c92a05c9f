/** `explain` decodes a token without issuer and audience, and wraps its output for terminals. */
import t from 'tap'
import { timeOf } from '../../src/cli/explain/time.js'
import { wrap } from '../../src/cli/wrap.js'
import { AUDIENCE, base64url, ISSUER, makeKey, seconds, sign } from '../fixtures/issuer.js'
import { runHere } from './fixtures/run.js'

const key = await makeKey('ES256')
const now = seconds()

async function decode(input: string) {
  const { code, stdout, stderr } = await runHere(['explain', '--json'], { input })
  t.equal(stderr, '')
  const decoded = JSON.parse(stdout)
  const remarks = Object.fromEntries(
    decoded.remarks.map(({ about, text }: { about: string; text: string }) => [about, text]),
  )
  return { ...decoded, code, remarks }
}

t.test('decodes a token without a request, and reports no result with exit code 5', async (t) => {
  t.intercept(globalThis, 'fetch', {
    value: () => t.fail('no request is sent'),
  })
  const token = await sign(key, { exp: now + 3_600, iat: now })
  const decoded = await decode(token)
  t.match(decoded, {
    code: 5,
    result: null,
    removed: [],
    header: { alg: 'ES256' },
    claims: { iss: ISSUER, aud: AUDIENCE },
    times: { exp: timeOf(now + 3_600), iat: timeOf(now) },
  })
  t.strictSame(Object.keys(decoded.remarks), ['issuer', 'audience', 'expiry'])
  t.match(decoded.remarks, {
    issuer: `"iss" is "${ISSUER}". Is the "issuer" of your API exactly this value?`,
    audience: `"aud" is "${AUDIENCE}". Is the "audience" of your API exactly this value?`,
    expiry: /^expires .* \(in (?:1 hour|59 minutes)\)$/,
  })
  const { code, stdout } = await runHere(['explain'], { input: token })
  t.equal(code, 5)
  t.match(stdout, 'not checked: without --issuer and --audience, explain only decodes the token')
  t.match(stdout, 'claims (not verified)')
  t.match(stdout, `explain --issuer ${ISSUER} --audience ${AUDIENCE}\n`)
  t.notMatch(stdout, token.split('.')[2], 'the signature is never printed')
})

t.test('remarks on what is conspicuous about a token', async (t) => {
  const rows = [
    ['expiry', { exp: now - 7_300 }, /^The token expired 2 hours ago, at .*: get a new one\.$/],
    [
      'expiry',
      { exp: (now + 60) * 1000 },
      `never expires. Have the issuer divide it by 1000 (${timeOf(now + 60)})`,
    ],
    ['expiry', { exp: '1' }, 'no "exp", or one that is not a number'],
    ['not-before', { nbf: now + 90_000 }, `"nbf" is in 1 day, at ${timeOf(now + 90_000)}`],
    ['issued-at', { iat: now * 1000 }, `"iat" seems to be in milliseconds (${timeOf(now)})`],
    ['issuer', { iss: undefined }, 'The token has no "iss"'],
    ['issuer', { iss: '' }, 'The token has no "iss", or an invalid one'],
    ['audience', { aud: ['a', 'b'] }, '"aud" is ["a","b"]. Is the "audience" of your API one of'],
    ['audience', { aud: undefined, client_id: 'c' }, 'is the "client_id": is it "c"?'],
    ['audience', { aud: undefined, client_id: undefined }, 'Request a token for your API'],
    ['type', { nonce: 'x' }, 'This looks like an ID token'],
    ['binding', { cnf: { jkt: 'x' } }, 'sender-constrained ("cnf")'],
  ] as const
  for (const [about, claims, expected] of rows) {
    const { code, remarks } = await decode(await sign(key, { exp: now + 3_600, ...claims }))
    t.match(remarks[about], expected)
    t.equal(code, 5)
  }
})

t.test('decodes tokens that no API accepts, and says why', async (t) => {
  const [header, payload] = (await sign(key)).split('.')
  const unsigned = await decode(`${base64url({ alg: 'none' })}.${payload}.`)
  t.match(unsigned, { header: { alg: 'none' }, claims: { iss: ISSUER } })
  t.match(unsigned.remarks.token, 'not signed at all')
  const opaque = await decode('opaque-token')
  t.match(opaque, { code: 5, header: undefined, claims: undefined })
  t.match(opaque.remarks.token, 'An opaque token can only be verified by introspection')
  const text = await runHere(['explain'], { input: 'opaque-token' })
  t.match(text.stdout, /^ {4}token {8}An opaque token/m)
  const truncated = await decode(`${header}.${payload?.slice(0, -3)}`)
  t.match(truncated.remarks.token, 'A JWT has three parts')
  const encrypted = await decode(`${base64url({ alg: 'RSA-OAEP', enc: 'A256GCM' })}.a.b.c.d`)
  t.match(encrypted, { encryptedTokenHeader: { alg: 'RSA-OAEP' }, header: undefined })
  t.match(encrypted.remarks.token, '--decryption-key')
  const ofAuth0 = { alg: 'dir', enc: 'A256GCM', iss: 'https://acme.auth0.com/' }
  t.match((await decode(`${base64url(ofAuth0)}..b.c.d`)).remarks.token, 'for itself')
})

t.test('reads a token out of other text, and reports the response of an API to it', async (t) => {
  const token = await sign(key)
  const header = await decode(`Authorization: Bearer ${token}`)
  t.match(header, { code: 5, result: null, claims: { iss: ISSUER } })
  t.equal(header.remarks.input, 'The token was read from the header.')
  for (const [input, removed] of [
    [JSON.stringify({ access_token: token }), 'the JSON around "access_token"'],
    [`'${token}'`, 'the quotation marks'],
  ] as const) {
    const decoded = await decode(input)
    t.match(decoded, {
      code: 1,
      result: { status: 400, code: 'invalid_request', step: 'credentials' },
      removed: [removed],
      claims: { iss: ISSUER },
    })
    t.match(decoded.remarks.input, `To read the token, explain removed: ${removed}.`)
    const text = await runHere(['explain'], { input })
    t.equal(text.code, 1)
    t.match(text.stdout, 'rejected at step "credentials": 400 invalid_request')
  }
})

t.test('quotes claims in the suggested command, and escapes control characters', async (t) => {
  const aud = ["x'; rm -rf ~ #\x1b[2J"]
  const { stdout } = await runHere(['explain'], { input: await sign(key, { aud, iss: 7 }) })
  t.match(stdout, `--issuer ISSUER --audience 'x'\\''; rm -rf ~ #\\u001b[2J'\n`)
  t.notMatch(stdout, '\x1b')
})

t.test('wraps between words at the width of the terminal', async (t) => {
  t.equal(wrap('one two three', undefined, 2), 'one two three')
  t.equal(wrap('one two three', 9, 2), 'one two\n  three')
  t.equal(wrap('one two three four', 9, 2, 6), 'one\n  two\n  three\n  four')
  t.equal(wrap('a-word-that-is-too-long x', 9, 2), 'a-word-that-is-too-long\n  x')
  const terminal = { color: true, env: { NO_COLOR: '1' } }
  const token = await sign(key, { exp: 1, cnf: { jkt: 'x' } })
  const check = ['--issuer', ISSUER, '--audience', 'api://other', '--scope', 'x']
  for (const flags of [[], check]) {
    const explain = (columns?: object) =>
      runHere(['explain', ...flags], { input: `'${token}'`, ...terminal, ...columns })
    for (const [columns, width] of [
      [80, 80],
      // Headings are not wrapped.
      [20, 55],
    ] as const) {
      const { stdout } = await explain({ columns })
      for (const line of stdout.split('\n')) {
        const words = line.trim().split(/\s+/)
        t.ok(line.length <= width || words.length <= 3 || line.includes('npx'), line)
      }
    }
    t.match((await explain()).stdout, /.{110}/, 'a terminal of unknown width wraps by itself')
  }
})
