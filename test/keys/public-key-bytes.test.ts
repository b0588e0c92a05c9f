import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto'
import t from 'tap'
import { isPublicKey } from '../../src/keys/public-key-bytes.js'
import { makeCertificate } from '../fixtures/certificates.js'

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const { cert } = await makeCertificate('issuer.example')
const spki = publicKey.export({ format: 'der', type: 'spki' })
const jwk = publicKey.export({ format: 'jwk' })

t.test('recognizes a key or a certificate in each encoding', async (t) => {
  for (const [encoding, bytes] of Object.entries({
    PEM: publicKey.export({ format: 'pem', type: 'spki' }),
    'PEM of PKCS #1': publicKey.export({ format: 'pem', type: 'pkcs1' }),
    'PEM of a private key': privateKey.export({ format: 'pem', type: 'pkcs8' }),
    'PEM certificate': cert,
    'PEM after text': `key:\n${cert}`,
    DER: spki,
    'DER of PKCS #1': publicKey.export({ format: 'der', type: 'pkcs1' }),
    'DER certificate': new X509Certificate(cert).raw,
    'DER in base64, as Keycloak shows it': spki.toString('base64'),
    'DER in base64url': spki.toString('base64url'),
    JWK: JSON.stringify(jwk),
    'JWK Set': JSON.stringify({ keys: [jwk] }, undefined, 2),
  })) {
    t.equal(isPublicKey(Buffer.from(bytes as string)), true, encoding)
  }
})

t.test('recognizes no key in a secret', async (t) => {
  const bytes = [
    randomBytes(64),
    randomBytes(64).toString('base64'),
    '{"a":1}',
    's'.repeat(64),
    '1',
  ]
  for (const secret of bytes) t.equal(isPublicKey(Buffer.from(secret as string)), false)
})
