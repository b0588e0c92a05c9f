/** `explain` says at which layer an encrypted token fails, and shows neither the JWT nor the key. */
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { readGivenToken } from '../../src/cli/explain/given-token.js'
import { createAuthorizationServer } from '../../src/testing/index.js'
import { encrypt, encryptionKey } from '../fixtures/encryption.js'
import { base64url } from '../fixtures/issuer.js'
import { runHere } from './fixtures/run.js'

const ec = await encryptionKey('ECDH-ES', 'ec-1')
const rsa = await encryptionKey('RSA-OAEP-256')
const server = await createAuthorizationServer({ algorithm: 'ES256' })
t.teardown(() => server.close())

const pemOf = (key: typeof rsa) => `${key.privateKey.export({ type: 'pkcs8', format: 'pem' })}`
const secret = { kty: 'oct', k: 'A'.repeat(43), alg: 'dir', kid: 'shared' }
const dir = t.testdir({
  'ec.jwk': JSON.stringify(ec.privateJwk),
  'rsa.pem': pemOf(rsa),
  'secret.jwk': JSON.stringify(secret),
  'public.pem': `${rsa.publicKey.export({ type: 'spki', format: 'pem' })}`,
  'canary.txt': 'canary',
})
const keyFlag = (file: string) => ['--decryption-key', join(dir, file)]
const BOTH = [...keyFlag('ec.jwk'), ...keyFlag('rsa.pem')]

/** Explains a token as JSON and as text, and asserts that neither shows a secret. */
async function explain(t: Test, input: string, args: readonly string[], jwt = '') {
  const fixed = ['explain', '--issuer', server.issuer, '--audience', 'api://default', ...args]
  const text = await runHere(fixed, { input })
  const json = await runHere([...fixed, '--json'], { input })
  const hidden = [
    ...jwt.split('.'),
    ...pemOf(rsa).split('\n').slice(1, -2),
    ...[ec.privateJwk, rsa.privateJwk].map(({ d }) => d as string),
    secret.k,
  ].filter((part) => part.length > 8)
  const shown = text.stdout + text.stderr + json.stdout + json.stderr
  for (const part of hidden) t.notOk(shown.includes(part), part.slice(0, 20))
  t.equal(text.code, json.code)
  t.equal(text.stderr, '')
  const { result, steps, ...rest } = JSON.parse(json.stdout) as {
    result: { accepted: boolean; step?: string; layer?: string }
    steps: { name: string; outcome: string; found?: string; advice?: string; waitsFor?: string }[]
    claims?: { sub?: string }
    encryptedTokenHeader?: object
  }
  return { ...text, ...rest, result, step: Object.fromEntries(steps.map((one) => [one.name, one])) }
}

t.test('explains the content of an encrypted token like any other token', async (t) => {
  const cases = [
    [ec.publicKey, { alg: 'ECDH-ES', kid: 'ec-1' }, 'ECDH-ES with A256GCM, "kid": "ec-1"'],
    [rsa.publicKey, { alg: 'RSA-OAEP-256' }, 'RSA-OAEP-256 with A256GCM, no "kid"'],
  ] as const
  for (const [key, header, found] of cases) {
    const jwt = await server.issueToken({ sub: 'ada' })
    const explained = await explain(t, await encrypt(jwt, key, header), BOTH, jwt)
    t.match(explained, { code: 0, result: { accepted: true }, claims: { sub: 'ada' } })
    t.match(explained.step.decryption, { outcome: 'passed', found })
    t.match(explained.step.token, { found: 'an encrypted token with a signed JWT in it' })
    t.match(explained.encryptedTokenHeader, { ...header, enc: 'A256GCM', cty: 'JWT' })
    t.match(explained.stdout, /header of the encrypted token\n {4}enc {2}"A256GCM"/)
  }
  const expired = await server.issueToken({ aud: 'api://other' }, { expiresIn: -100 })
  const raw = await encrypt(expired, ec.publicKey, { alg: 'ECDH-ES' })
  const explained = await explain(t, raw, BOTH, expired)
  t.match(explained, { code: 1, result: { step: 'expiry', layer: 'content' } })
  t.match(explained.step, { expiry: { outcome: 'failed' }, audience: { outcome: 'failed' } })
  t.match(explained.stdout, 'rejected at step "expiry" of the content: 401')
})

t.test('says which option decrypts the token', async (t) => {
  const jwt = await server.issueToken()
  const raw = await encrypt(jwt, ec.publicKey, { alg: 'ECDH-ES', kid: 'ec-1' })
  const explained = await explain(t, raw, [], jwt)
  t.match(explained, { code: 1, result: { step: 'token', layer: 'encrypted token' } })
  t.match(explained.step.token?.advice, /add --decryption-key .* option "decryption"/)
  t.match(explained.encryptedTokenHeader, { kid: 'ec-1' })
  t.match(explained.step.decryption, { outcome: 'not reached', waitsFor: 'token' })
})

t.test('advises on the outer layer', async (t) => {
  const jwt = await server.issueToken()
  const good = await encrypt(jwt, ec.publicKey, { alg: 'ECDH-ES', kid: 'ec-1' })
  const [header = '', ...rest] = good.split('.')
  const decoded = JSON.parse(Buffer.from(header, 'base64url').toString())
  const withHeader = (changes: object) => [base64url({ ...decoded, ...changes }), ...rest].join('.')
  const other = await encryptionKey('ECDH-ES')
  const cases: [raw: string, step: string, RegExp, args?: readonly string[]][] = [
    [
      withHeader({ cty: undefined }),
      'token',
      /itself is malformed.*"cty": JWT.*; found: undefined/,
    ],
    [withHeader({ zip: 'DEF' }), 'token', /"zip".*; found: zip/],
    [`${good}=`, 'token', /must have canonical base64url\. Copy/],
    [['e30x', ...rest].join('.'), 'token', /must have a header that is a JSON object/],
    [`${good}${'A'.repeat(9_000)}`, 'token', /characters; this API accepts at most 8192/],
    [withHeader({ alg: 'RSA1_5' }), 'decryption', /^RSA1_5 is unsafe/],
    [withHeader({ alg: 'PBES2-HS256+A128KW' }), 'decryption', /is unsafe/],
    [withHeader({ alg: 'A256KW' }), 'decryption', /^No given key can be used with A256KW/],
    [withHeader({ alg: 'dir' }), 'decryption', /the "kid" "shared"/, keyFlag('secret.jwk')],
    [
      withHeader({ alg: 'RSA-OAEP', kid: undefined }),
      'decryption',
      /must accept RSA-OAEP.*add --key-management-algorithms RSA-OAEP/,
    ],
    [
      withHeader({ kid: 'ec-2' }),
      'decryption',
      /for another key: the given keys have the "kid" "ec-1"/,
    ],
    [withHeader({ enc: 'A512GCM' }), 'decryption', /"A512GCM" is no known algorithm/],
    [
      await encrypt(jwt, other.publicKey, { alg: 'ECDH-ES', kid: 'ec-1' }),
      'decryption',
      /encrypted for another key, or it was changed/,
    ],
    [
      await encrypt(jwt, other.publicKey, { alg: 'ECDH-ES' }),
      'decryption',
      /encrypted for another key, or it was changed/,
    ],
  ]
  for (const [raw, step, advice, args = BOTH] of cases) {
    const explained = await explain(t, raw, args, jwt)
    t.match(explained, { code: 1, result: { step, layer: 'encrypted token' } }, `${advice}`)
    t.match(explained.step[step]?.advice, advice)
    t.equal(explained.step.issuer?.waitsFor, step)
    t.match(explained.stdout, `rejected at step "${step}" of the encrypted token: 401`)
  }
})

t.test('recognizes a token that the issuer encrypted for itself', async (t) => {
  // Auth0 issues such a token if the client names no audience.
  const header = { alg: 'dir', enc: 'A256GCM', iss: 'https://acme.eu.auth0.com/' }
  const raw = [base64url(header), '', 'AAAA', 'AAAA', 'AAAA'].join('.')
  for (const args of [[], BOTH]) {
    const explained = await explain(t, raw, args)
    t.match(explained, { code: 1, result: { step: 'token', layer: 'encrypted token' } })
    t.match(explained.step.token?.advice, /for itself.*Auth0.*with --audience/)
  }
})

t.test('advises on content that is no signed JWT', async (t) => {
  const jwt = await server.issueToken()
  const parameters = { alg: 'ECDH-ES', kid: 'ec-1' }
  const nested = await encrypt(jwt, ec.publicKey, parameters)
  const claims = jwt.split('.')[1] as string
  const cases: [string, RegExp][] = [
    [nested, /It is encrypted again/],
    ['{"sub":"canary"}', /have the issuer sign the claims first/],
    [`${base64url({ alg: 'none' })}.${claims}.`, /not signed at all/],
    [`${jwt}==`, /The signature is padded/],
  ]
  for (const [content, advice] of cases) {
    const raw = await encrypt(content, ec.publicKey, parameters)
    const explained = await explain(t, raw, BOTH, `${content}.${jwt}`)
    t.match(explained, { code: 1, result: { step: 'token', layer: 'content' } })
    t.match(explained.step.token?.advice, /^The decryption succeeded/)
    t.match(explained.step.token?.advice, advice)
    t.match(explained.step.decryption, { outcome: 'passed' })
    t.notMatch(explained.stdout, 'canary')
  }
})

t.test('checks whether encryption is required, and which algorithms are accepted', async (t) => {
  const jwt = await server.issueToken()
  const plain = await explain(t, jwt, BOTH)
  t.match(plain, { code: 0, step: { decryption: { found: 'not encrypted' } } })
  t.equal(plain.encryptedTokenHeader, undefined)
  const required = await explain(t, jwt, [...BOTH, '--decryption-required'])
  t.match(required, { code: 1, result: { step: 'decryption', layer: undefined } })
  t.match(required.step.decryption?.advice, /Have the issuer encrypt/)
  t.match(required.step.signature, { outcome: 'passed' })

  const raw = await encrypt(jwt, rsa.publicKey, { alg: 'RSA-OAEP' })
  const algorithms = ['--key-management-algorithms', 'RSA-OAEP']
  t.match(await explain(t, raw, [...keyFlag('rsa.pem'), ...algorithms], jwt), { code: 0 })
})

t.test('mistakes in the flags are exit code 2 and name the flag', async (t) => {
  const cases: [readonly string[], RegExp][] = [
    [keyFlag('absent.pem'), /--decryption-key must name a readable file/],
    [keyFlag('canary.txt'), /--decryption-key must name a readable file/],
    [[...BOTH, ...keyFlag('public.pem')], /--decryption-key \(value 3\) must be a private key/],
    [['--decryption-required'], /need --decryption-key/],
    [['--key-management-algorithms', 'dir'], /need --decryption-key/],
    [
      [...keyFlag('rsa.pem'), '--key-management-algorithms', 'RSA1_5'],
      /--key-management-algorithms must be one of these, with a flag for each: RSA-OAEP/,
    ],
    [
      [...keyFlag('rsa.pem'), '--key-management-algorithms', 'dir'],
      /--decryption-key \(value 1\) has no accepted algorithm.*to --key-management-algorithms/,
    ],
  ]
  for (const [args, message] of cases) {
    const fixed = ['explain', '--issuer', server.issuer, '--audience', 'api://default']
    const { code, stdout, stderr } = await runHere([...fixed, ...args], { input: 'a.b.c.d.e' })
    t.strictSame([code, stdout], [2, ''])
    t.match(stderr, message)
    t.notMatch(stderr, /canary(?!\.txt)/)
  }
})

t.test('extracts an encrypted token from the text around it', async (t) => {
  const withKey = await encrypt('x', rsa.publicKey, { alg: 'RSA-OAEP-256' })
  const direct = await encrypt('x', ec.publicKey, { alg: 'ECDH-ES' })
  for (const raw of [withKey, direct]) {
    t.equal(readGivenToken(`curl -H "Authorization: Bearer ${raw}" https://a`).token, raw)
    t.equal(readGivenToken(raw.replace(/(.{60})/g, '$1\n')).token, raw)
    t.equal(readGivenToken(`"${raw}"`).token, raw)
  }
})
