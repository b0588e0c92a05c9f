/** Invalid values of the option `dpop` are rejected at registration. */
import t from 'tap'
import { resolveDPoP } from '../../../src/binding/dpop/options.js'
import { createResourceServer } from '../../../src/index.js'
import { AUDIENCE, ISSUER } from '../../fixtures/issuer.js'

const given = { issuer: ISSUER, audience: AUDIENCE, jwksUri: `${ISSUER}/keys` }

const secret = Buffer.alloc(32, 1)

const MISTAKES: readonly [option: unknown, message: RegExp][] = [
  [
    true,
    /^"dpop" option must be 'allowed' \(bearer tokens as well\), 'required' \(tokens with a proof only\), false, or an object such as \{ mode: 'required' \}$/,
  ],
  ['on', /^"dpop" option must be 'allowed'/],
  [null, /^"dpop" option must be 'allowed'/],
  [{ modes: 'allowed' }, /Unknown option "modes" of "dpop"\..* Known: mode, baseUrl/],
  [{ mode: 'off' }, /"dpop.mode" option must be 'allowed' or 'required'/],
  [{ baseUrl: 'api.example.com' }, /"dpop.baseUrl" option must be an http or https URL/],
  [{ baseUrl: 'ftp://api.example.com' }, /"dpop.baseUrl"/],
  [{ baseUrl: 'https://user@api.example.com' }, /"dpop.baseUrl"/],
  [{ baseUrl: 'https://api.example.com/?' }, /"dpop.baseUrl"/],
  [{ baseUrl: 'https://api.example.com#' }, /"dpop.baseUrl"/],
  [{ baseUrl: [] }, /"dpop.baseUrl"/],
  [{ baseUrl: 7 }, /"dpop.baseUrl"/],
  [{ algorithms: [] }, /"dpop.algorithms" option must be an array of RS256/],
  [{ algorithms: ['HS256'] }, /"dpop.algorithms"/],
  [{ algorithms: 'ES256' }, /"dpop.algorithms"/],
  [
    { maxProofAge: 0 },
    /"dpop.maxProofAge" option must be a whole number of seconds from 1 to 3600/,
  ],
  [{ nonce: true }, /"dpop.nonce" option must be an object with "secret", from which nonces/],
  [{ nonce: {} }, /"dpop.nonce.secret" option must be 32 random bytes or more/],
  [{ nonce: { secret: 'too short' } }, /"dpop.nonce.secret"/],
  [{ nonce: { secret: [] } }, /"dpop.nonce.secret"/],
  [{ nonce: { secret: [secret, 'short'] } }, /"dpop.nonce.secret"/],
  [{ nonce: { secret, lifetime: 9 } }, /"dpop.nonce.lifetime" option must be a whole number/],
  [{ nonce: { secret, life: 1 } }, /Unknown option "life" of "dpop.nonce"/],
  [{ replay: 1 }, /"dpop.replay" option must be an object with maxEntries, maxEntriesPerKey or/],
  [{ replay: { maxEntries: 999 } }, /"dpop.replay.maxEntries"/],
  [{ replay: { maxEntriesPerKey: 99 } }, /"dpop.replay.maxEntriesPerKey"/],
  [{ replay: { whenUnavailable: 'accept' } }, /"dpop.replay.whenUnavailable" option must be/],
]

t.test('each error names the option and the fix', async (t) => {
  for (const [dpop, message] of MISTAKES) {
    const made = createResourceServer({ ...given, dpop: dpop as never })
    await t.rejects(made, { name: 'TypeError', message }, JSON.stringify(dpop))
  }
  const made = createResourceServer({ ...given, dpop: { nonce: { secret: 'x' } } })
  const { message } = await made.then(
    () => new Error('none'),
    (error) => error,
  )
  t.notMatch(message, /'x'|"x"/, 'no secret is in a message')
})

t.test('applies the documented defaults', async (t) => {
  t.equal(resolveDPoP(), undefined)
  t.equal(resolveDPoP(false), undefined)
  t.match(resolveDPoP('required'), {
    mode: 'required',
    baseUrls: [],
    maxProofAge: 60,
    nonce: undefined,
    replay: { maxEntries: 1_000_000, maxEntriesPerKey: 100_000, whenUnavailable: 'reject' },
  })
  const options = { baseUrl: ['https://a.example/', 'https://b.example/v1'], nonce: { secret } }
  const resolved = resolveDPoP(options)
  t.match(resolved, {
    mode: 'allowed',
    baseUrls: ['https://a.example', 'https://b.example/v1'],
    nonce: { lifetime: 300 },
  })
  secret.fill(2)
  t.same(resolved?.nonce?.secrets, [Buffer.alloc(32, 1)], 'a secret is copied')
})

t.test('E32: normalizes a base URL to what clients write in a proof', async (t) => {
  for (const [given, resolved] of [
    ['https://API.Example.com', 'https://api.example.com'],
    ['https://api.example.com:443/', 'https://api.example.com'],
    ['http://api.example.com:80/v1/', 'http://api.example.com/v1'],
    ['https://bücher.example/å', 'https://xn--bcher-kva.example/%C3%A5'],
    ['https://api.example.com:8443/v1/../v2', 'https://api.example.com:8443/v2'],
    ['https://[::1]:3000', 'https://[::1]:3000'],
  ] as const) {
    t.same(resolveDPoP({ baseUrl: given })?.baseUrls, [resolved], given)
  }
})

t.test('E32: rejects a base URL with which no proof could be accepted', async (t) => {
  for (const baseUrl of [
    'https://api.example.com//',
    'https://api.example.com//v1',
    'https://api.example.com/v1//orders',
    'https://*.example.com',
    'https://api.example.com/%zz',
    'https:///',
    'https://user@api.example.com/v1',
    'https://:secret@api.example.com',
    'https://api.example.com/\\v1',
    'ws://api.example.com',
  ]) {
    t.throws(
      () => resolveDPoP({ baseUrl }),
      /"dpop.baseUrl" option must be an http or https/,
      baseUrl,
    )
  }
})
