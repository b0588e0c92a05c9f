import { createPublicKey, createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import t from 'tap'
import { readStaticKey } from '../../src/keys/static-key.js'
import { makeCertificate } from '../fixtures/certificates.js'

const NAME = 'jwks.keys[0]'
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const ed = generateKeyPairSync('ed25519')

const spki = (key: KeyObject) => `${key.export({ format: 'pem', type: 'spki' })}`
const pkcs8 = (key: KeyObject) => `${key.export({ format: 'pem', type: 'pkcs8' })}`
const certificate = await makeCertificate('issuer.example')
const expired = await makeCertificate('issuer.example', { isExpired: true })

/** Parameters for WebCrypto, whose TypeScript types are incomplete for Ed25519. */
const webCrypto = (jwk: object, algorithm: object, extractable: boolean, usages: string[]) =>
  crypto.subtle.importKey('jwk', jwk as never, algorithm as never, extractable, usages as never)
const jwkOf = (key: KeyObject) => key.export({ format: 'jwk' })

t.test('reads each form of a public key', async (t) => {
  t.strictSame(readStaticKey(NAME, jwkOf(ec.publicKey)), jwkOf(ec.publicKey), 'a JWK')
  for (const { publicKey } of [rsa, ec, ed]) {
    const expected = jwkOf(publicKey)
    t.strictSame(readStaticKey(NAME, spki(publicKey)), expected, 'PEM')
    t.strictSame(readStaticKey(NAME, publicKey), expected, 'a KeyObject')
  }
  const pkcs1 = `${rsa.publicKey.export({ format: 'pem', type: 'pkcs1' })}`
  t.strictSame(readStaticKey(NAME, pkcs1), jwkOf(rsa.publicKey), 'PEM of PKCS #1')
  const inCertificate = jwkOf(createPublicKey(certificate.cert))
  t.strictSame(readStaticKey(NAME, certificate.cert), inCertificate, 'a certificate')
  const withText = `subject=CN = issuer.example\r\n${certificate.cert.replaceAll('\n', '\r\n')}`
  t.strictSame(readStaticKey(NAME, withText), inCertificate, 'with text of OpenSSL around it')
})

t.test('uses a CryptoKey for its algorithm only', async (t) => {
  const read = async (jwk: object, algorithm: object) =>
    readStaticKey(NAME, await webCrypto(jwk, algorithm, true, ['verify'])).alg
  const publicJwk = jwkOf(rsa.publicKey)
  for (const [name, hash, alg] of [
    ['RSASSA-PKCS1-v1_5', 'SHA-256', 'RS256'],
    ['RSASSA-PKCS1-v1_5', 'SHA-512', 'RS512'],
    ['RSA-PSS', 'SHA-384', 'PS384'],
  ]) {
    t.equal(await read(publicJwk, { name, hash }), alg)
  }
  t.equal(await read(jwkOf(ec.publicKey), { name: 'ECDSA', namedCurve: 'P-256' }), undefined)
  t.equal(await read(jwkOf(ed.publicKey), { name: 'Ed25519' }), undefined)
  await t.rejects(read(publicJwk, { name: 'RSA-PSS', hash: 'SHA-1' }), {
    message: /^"jwks\.keys\[0\]" option has "alg": "PS1", which is not a signature algorithm/,
  })
})

t.test('rejects anything else, names the fix, and prints no key material', async (t) => {
  const encrypted = rsa.privateKey.export({
    format: 'pem',
    type: 'pkcs8',
    cipher: 'aes-256-cbc',
    passphrase: 'correct horse battery staple',
  })
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey
  const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey
  const curve = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey
  const sec1 = `${ec.privateKey.export({ format: 'pem', type: 'sec1' })}`
  const raw = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, true, ['verify'])
  const { kty, n, e } = jwkOf(rsa.publicKey)
  const oaep = { name: 'RSA-OAEP', hash: 'SHA-256' }
  const ecdsa = { name: 'ECDSA', namedCurve: 'P-256' }
  const rows: [title: string, value: unknown, message: RegExp][] = [
    ['a private key', pkcs8(rsa.privateKey), /is a private key, .* "openssl pkey -pubout" prints/],
    ['a private key with a password', `${encrypted}`, /is a private key/],
    ['a private EC key', sec1, /is a private key/],
    ['both keys', spki(rsa.publicKey) + pkcs8(rsa.privateKey), /is a private key/],
    ['a private KeyObject', ec.privateKey, /is a private key/],
    [
      'a private CryptoKey',
      await webCrypto(jwkOf(ec.privateKey), ecdsa, true, ['sign']),
      /private/,
    ],
    [
      'a secret KeyObject',
      createSecretKey(Buffer.alloc(32)),
      /is a shared secret: set .* "secret"/,
    ],
    ['a secret CryptoKey', raw, /is a shared secret/],
    ['two keys', spki(rsa.publicKey) + spki(ec.publicKey), /has 2 PEM blocks: .* separate string/],
    ['a chain', certificate.cert + expired.cert, /only the first certificate of a chain/],
    [
      'an expired certificate',
      expired.cert,
      /valid only from \w+ .* GMT to .* GMT: pass the current/,
    ],
    [
      'another label',
      pkcs8(rsa.privateKey).replaceAll('PRIVATE KEY', 'X'),
      /PUBLIC KEY or CERTIFI/,
    ],
    ['a label of Object', spki(ec.publicKey).replaceAll('PUBLIC KEY', 'constructor'), /the label/],
    ['a URL', 'https://issuer.example/keys', /Set "jwksUri" for the URL of a key set/],
    ['a secret', 'hunter2', /and "secret" for a shared secret$/],
    [
      'escaped line breaks',
      spki(ec.publicKey).replaceAll('\n', '\\n'),
      /text\.replaceAll\("\\\\n", /,
    ],
    ['no line breaks', spki(ec.publicKey).replaceAll('\n', ''), /is malformed PEM: .* line breaks/],
    ['a malformed certificate', certificate.cert.replace('MII', 'AII'), /is malformed PEM/],
    ['bytes', Buffer.from(spki(ec.publicKey)), /Decode the bytes .*: readFile\(path, "utf8"\)$/],
    ['a small RSA key', spki(small), /option has 1024 bits; at least 2048 are required$/],
    ['an RSASSA-PSS key', pss, /type that is not supported \(rsa-pss\): .* the OID rsaEncryption/],
    ['an unsupported curve', curve, /option is of a type that is not supported .*"secp256k1"/],
    ['an X25519 key', generateKeyPairSync('x25519').publicKey, /type that is not supported/],
    [
      'for encryption',
      await webCrypto({ kty, n, e }, oaep, true, ['encrypt']),
      /with \["verify"\]$/,
    ],
    [
      'not extractable',
      await webCrypto(jwkOf(ec.publicKey), ecdsa, false, ['verify']),
      /is a CryptoKey that is not extractable: import it with extractable true$/,
    ],
    ['null', null, /must be a JWK, a PEM string, a KeyObject or a CryptoKey$/],
  ]
  for (const [title, value, message] of rows) {
    const error = t.throws(() => readStaticKey(NAME, value), { name: 'TypeError', message }, title)
    t.match((error as Error).message, /^"jwks\.keys\[0\]" option /)
    t.notMatch((error as Error).message, /[\w+/]{32}|horse|hunter/, `${title}: key material`)
  }
})

t.test('rejects a certificate that is not valid yet', async (t) => {
  const future = await makeCertificate('issuer.example')
  const past = Date.now() - 5 * 86_400_000
  t.intercept(Date, 'now', { value: () => past })
  t.throws(() => readStaticKey(NAME, future.cert), {
    message: /is a certificate that is valid only/,
  })
})
