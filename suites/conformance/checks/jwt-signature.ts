/**
 * J1, J6, J7, J13 to J17, A3: the key, the algorithm and the signature (RFC 7515, 7517, 7518, 8725).
 */
import {
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  sign as signBytes,
} from 'node:crypto'
import { CompactEncrypt } from 'jose'
import { base64url } from '../../../test/fixtures/issuer.js'
import { type Check, rule } from '../check.js'
import { expectAccepted, expectRejected, expectThat } from '../harness/expect.js'
import { startForbiddenServer } from '../harness/forbidden-server.js'
import { accepts, rejects } from './variants.js'

export const jwtSignature: readonly Check[] = [
  rejects('J1', 'RFC 8725 §3.2', 'MUST', 'A token without signature is rejected', (api) => {
    const tokens: Record<string, string> = {}
    for (const alg of ['none', 'None', 'nOnE', 'RS256', '']) {
      const input = api.forge({ header: { alg } }).split('.', 2).join('.')
      tokens[`alg "${alg}", an empty signature`] = `${input}.`
      // A token with two segments is opaque, and this issuer reports opaque tokens as active.
      if (!api.has('introspects-always') && !api.has('recheck')) {
        tokens[`alg "${alg}", no signature`] = input
      }
      tokens[`alg "${alg}", a byte`] = `${input}.AA`
    }
    return tokens
  }),

  rejects(
    'J1',
    'RFC 8725 §3.1',
    'MUST',
    'An HMAC with the public key as its secret is rejected',
    (api) => {
      const { rs256 } = api.options.keys
      const key = createPublicKey({ key: rs256.publicJwk as never, format: 'jwk' })
      const spki = key.export({ type: 'spki', format: 'pem' }) as string
      const secrets: Record<string, string | Buffer> = {
        'as PEM': spki,
        'as PEM, trimmed': spki.trim(),
        'as PKCS 1': key.export({ type: 'pkcs1', format: 'pem' }),
        'as DER': key.export({ type: 'spki', format: 'der' }),
        'as a JWK': JSON.stringify(rs256.publicJwk),
        'as n': rs256.publicJwk.n as string,
        'empty secret': Buffer.alloc(0),
      }
      return Object.fromEntries(
        Object.entries(secrets).flatMap(([what, secret]) => {
          const forged = {
            ...rs256,
            privateKey: createSecretKey(Buffer.from(secret)),
            alg: 'HS256',
          }
          return [
            [`HS256 ${what}`, { key: forged }],
            [`HS256 ${what}, with alg RS256`, { key: forged, header: { alg: 'RS256' } }],
          ]
        }),
      )
    },
  ),

  rejects(
    'J1',
    'RFC 8725 §3.1',
    'MUST',
    'A key is used only with its own algorithm',
    ({ options: { keys } }) => ({
      'PS256 by a key of RS256': { key: { ...keys.rs256, alg: 'PS256' } },
      'RS512 by a key of RS256': { key: { ...keys.rs256, alg: 'RS512' } },
    }),
  ),

  rejects(
    'J6',
    'RFC 9068 §4',
    'MUST',
    'A signature by another key is rejected',
    ({ options: { keys } }) => ({
      'an unknown key with a known kid': {
        key: keys.unpublished,
        header: { kid: keys.rs256.publicJwk.kid },
      },
      'an unknown key with an unknown kid': { key: keys.unpublished },
      'an unknown key without kid': { key: keys.unpublished, header: { kid: undefined } },
    }),
  ),

  rejects(
    'J7',
    'RFC 8725 §3.10',
    'MUST',
    'A hostile kid selects no key and causes no crash',
    (api) => {
      const { unpublished } = api.options.keys
      const empty = { ...unpublished, alg: 'HS256', privateKey: createSecretKey(Buffer.alloc(0)) }
      const kids = [
        '../../../../dev/null',
        "x' OR '1'='1",
        '$(id)',
        '__proto__',
        'constructor',
        '\0',
        '',
      ]
      return Object.fromEntries(
        [...kids, 7, null, ['suite-rs256'], { $ne: 1 }, 'x'.repeat(2_000)].flatMap((kid) => {
          const title = `kid ${JSON.stringify(kid)?.slice(0, 30)}`
          return [
            [title, { key: unpublished, header: { kid } }],
            [`${title}, HS256`, { key: empty, header: { kid } }],
          ]
        }),
      )
    },
  ),

  rule(
    'J7',
    'RFC 8725 §3.10',
    'MUST',
    'A key in the token, or at a URL in the token, is neither used nor fetched',
    ['jwt'],
    async ({ api }) => {
      const { unpublished } = api.options.keys
      const { publicJwk: jwk } = unpublished
      await using listener = await startForbiddenServer([jwk])
      const { url } = listener
      for (const [what, header] of Object.entries({
        jwk: { jwk },
        'jwk, known kid': { jwk: { ...jwk, kid: 'suite-rs256' }, kid: 'suite-rs256' },
        'jwk, no kid': { jwk, kid: undefined },
        jku: { jku: url },
        'jku, known kid': { jku: url, kid: 'suite-rs256' },
        x5u: { x5u: url },
        x5c: { x5c: ['MIIB'] },
        everything: { jwk, jku: url, x5u: url, x5c: ['MIIB'] },
      })) {
        expectRejected(await api.present(api.forge({ key: unpublished, header })), what)
      }
      expectThat(listener.requests === 0, 'no request to jku or x5u', `${listener.requests}`)
    },
  ),

  rejects(
    'J13',
    'RFC 7517 §4.2, §4.3',
    'SHOULD',
    'A key for another use than signatures verifies none',
    ({ options: { keys } }) => ({
      'use "enc"': { key: keys.forEncryption },
      'key_ops ["encrypt"]': { key: keys.forOtherOperations },
    }),
  ),

  rule(
    'J13',
    'RFC 7517 §5',
    'SHOULD',
    'An unusable key does not invalidate the key set',
    ['jwt', 'restart'],
    async (harness) => {
      const { rs256 } = harness.credentials.keys
      await using issuer = await harness.startIssuer([
        { kty: 'XYZ', kid: 'unknown-type', use: 'sig' },
        { kty: 'RSA', kid: 'no-members', use: 'sig', alg: 'RS256' },
        { kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA', kid: 'off-curve', alg: 'ES256' },
        rs256.publicJwk,
      ])
      await using second = await harness.startSecondApi(issuer)
      const token = second.api.forge({ key: rs256 })
      expectAccepted(await second.api.present(token), 'a token of the usable key')
    },
  ),

  rule(
    'J13',
    'RFC 7517 §4.5',
    'ours',
    'Of two keys with one kid, the one of the right type is used',
    ['jwt', 'restart'],
    async (harness) => {
      const { rs256, es256 } = harness.credentials.keys
      const kid = rs256.publicJwk.kid as string
      await using issuer = await harness.startIssuer([{ ...es256.publicJwk, kid }, rs256.publicJwk])
      await using second = await harness.startSecondApi(issuer)
      const token = second.api.forge({ key: rs256 })
      expectAccepted(await second.api.present(token), 'a token of the second key')
    },
  ),

  rejects(
    'J14',
    'RFC 7518 §3.3',
    'MUST',
    'An RSA key of 1024 bits verifies no signature',
    ({ options }) => ({
      'a key of 1024 bits, in the key set': { key: options.keys.weak },
    }),
  ),

  accepts(
    'J15',
    'RFC 7515 §4.1.4',
    'ours',
    'A token without kid is tried with every key that fits',
    ({ options: { keys } }) => ({
      'a token without kid, one of several keys': { key: keys.rs256, header: { kid: undefined } },
    }),
  ),

  rule(
    'J16',
    'RFC 7518 §3.4',
    'MUST',
    'An ECDSA signature has its exact length, and neither r nor s is 0 or n',
    ['jwt', 'es256'],
    async ({ api }) => {
      const token = api.forge({ key: api.options.keys.es256 })
      expectAccepted(await api.present(token), 'a token of ES256')
      const input = token.split('.', 2).join('.')
      const bytes = Buffer.from(token.split('.')[2] as string, 'base64url')
      const [r, s] = [bytes.subarray(0, 32), bytes.subarray(32)]
      const zero = Buffer.alloc(32)
      const n = Buffer.from(
        'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551',
        'hex',
      )
      for (const [what, parts] of Object.entries({
        'r = s = 0': [zero, zero],
        'r = 0': [zero, s],
        's = 0': [r, zero],
        'r = n': [n, s],
        's = n': [r, n],
        'a byte less': [bytes.subarray(0, -1)],
        'a byte more': [bytes, Buffer.alloc(1)],
        'a zero before each': [Buffer.alloc(1), r, Buffer.alloc(1), s],
        DER: [Buffer.from([0x30, 68, 2, 32]), r, Buffer.from([2, 32]), s],
      })) {
        const forged = `${input}.${Buffer.concat(parts).toString('base64url')}`
        expectRejected(await api.present(forged), what)
      }
    },
  ),

  rejects(
    'J17',
    'RFC 9068 §4',
    'MUST',
    'An encrypted token is rejected and causes no crash',
    async (api) => {
      const { rs256, forEncryption } = api.options.keys
      const recipient = createPublicKey({ key: forEncryption.publicJwk as never, format: 'jwk' })
      const header = {
        alg: 'RSA-OAEP-256',
        enc: 'A256GCM',
        cty: 'JWT',
        kid: rs256.publicJwk.kid as string,
      }
      const plain = new TextEncoder().encode(api.forge())
      return {
        'a valid token, encrypted': await new CompactEncrypt(plain)
          .setProtectedHeader(header)
          .encrypt(recipient),
        'five parts': `${base64url({ alg: 'dir', enc: 'A256GCM' })}..AAAA.AAAA.AAAA`,
      }
    },
    ['jwt', 'encrypted-off'],
  ),

  rule(
    'A3',
    'RFC 9964',
    'MUST',
    'An AKP key without alg verifies nothing, and does not invalidate the key set',
    ['jwt', 'restart'],
    async (harness) => {
      const { rs256 } = harness.credentials.keys
      const { jwk, sign } = mlDsaKey()
      const { alg, ...withoutAlg } = jwk
      await using issuer = await harness.startIssuer([withoutAlg, rs256.publicJwk])
      await using second = await harness.startSecondApi(issuer)
      const { api } = second
      expectAccepted(await api.present(api.forge({ key: rs256 })), 'a token of another key')
      const parts = [{ alg, kid: jwk.kid, typ: 'at+jwt' }, api.claims()].map(base64url)
      const input = parts.join('.')
      expectRejected(await api.present(`${input}.${sign(input)}`), 'a token of the AKP key')
    },
  ),
]

/** Returns an ML-DSA key. Without ML-DSA in this runtime, the key and its signatures are zeros. */
function mlDsaKey() {
  const [kid, alg] = ['suite-akp', 'ML-DSA-44']
  try {
    const pair = generateKeyPairSync('ml-dsa-44' as 'ed25519')
    return {
      jwk: { ...pair.publicKey.export({ format: 'jwk' }), kid, alg },
      sign: (input: string) =>
        signBytes(null, Buffer.from(input), pair.privateKey).toString('base64url'),
    }
  } catch {
    const pub = Buffer.alloc(1312).toString('base64url')
    return {
      jwk: { kty: 'AKP', pub, kid, alg },
      sign: () => Buffer.alloc(2420).toString('base64url'),
    }
  }
}
