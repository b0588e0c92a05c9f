import { createPublicKey, randomBytes } from 'node:crypto'
import type { JWK } from 'jose'
import t from 'tap'
import { unwrap } from '../../src/errors/result.js'
import { importVerificationKey } from '../../src/keys/verification-key.js'
import { assemble } from '../../src/server/assembly.js'
import { AUDIENCE, ISSUER, makeKey } from '../fixtures/issuer.js'

async function verifiesInline(jwk: JWK): Promise<boolean | undefined> {
  return (await importVerificationKey(jwk))?.verifiesInline
}

/** Public keys only: finding the primes of a private one takes seconds. */
function rsa(modulusLength: number, exponent = 65_537): JWK {
  const bits = randomBytes(512).toString('hex')
  const size = BigInt(modulusLength)
  const modulus = BigInt.asUintN(modulusLength, BigInt(`0x${bits}`)) | (1n << (size - 1n)) | 1n
  return { kty: 'RSA', n: encoded(modulus), e: encoded(BigInt(exponent)) }
}

function encoded(value: bigint): string {
  const hex = value.toString(16)
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('base64url')
}

t.test('classifies RSA with 2048 bits and the usual exponent as fast to verify', async (t) => {
  t.equal(await verifiesInline(rsa(2048)), true)
  t.equal(await verifiesInline(rsa(2048, 3)), true, 'a smaller exponent is faster')
  for (const alg of ['RS256', 'PS512'])
    t.equal(await verifiesInline({ ...rsa(2048), alg }), true, alg)
})

t.test('does not classify slower RSA keys as fast, even if the difference is small', async (t) => {
  for (const bits of [2050, 2056, 3072, 4096])
    t.equal(await verifiesInline(rsa(bits)), false, `${bits}`)
  t.equal(await verifiesInline(rsa(2048, 65_539)), false, 'a larger exponent')
  const usual = rsa(2048)
  t.equal(
    await verifiesInline({ ...usual, e: 'AAEAAQ' }),
    true,
    'leading zeros of the exponent are ignored',
  )
  const padded = Buffer.concat([Buffer.alloc(9), Buffer.from(usual.n as string, 'base64url')])
  t.not(
    await verifiesInline({ ...usual, n: padded.toString('base64url') }),
    false,
    'and leading zeros of the modulus',
  )
})

t.test('J14: rejects RSA keys designed to be slow', async (t) => {
  const odd = (bytes: number) => Buffer.alloc(bytes, 0xff).toString('base64url')
  const usual = rsa(2048)
  // Invalid keys; verification with them takes hundreds to thousands of times as long.
  t.equal(
    await verifiesInline({ ...usual, e: odd(255) }),
    undefined,
    'an exponent as long as the modulus',
  )
  t.equal(await verifiesInline({ ...usual, e: odd(5) }), undefined, 'an exponent of 40 bits')
  t.equal(await verifiesInline({ ...usual, e: odd(4) }), false, 'one of 32')
  t.equal(await verifiesInline({ ...usual, n: odd(1_025) }), undefined, 'a modulus of 8200 bits')
  t.equal(await verifiesInline({ ...usual, n: odd(1_024) }), false, 'one of 8192')
})

t.test('does not classify elliptic curves as fast', async (t) => {
  for (const alg of ['ES256', 'ES384', 'ES512', 'EdDSA']) {
    t.equal(await verifiesInline((await makeKey(alg)).publicJwk), false, alg)
  }
})

t.test('classifies a shared secret as fast', async (t) => {
  const secret = Buffer.alloc(32, 1)
  const options = { issuer: ISSUER, audience: AUDIENCE, secret, algorithms: ['HS256'] as const }
  const { issuers } = await assemble({ ...options, algorithms: ['HS256'] })
  const { keys } = unwrap(await issuers.resolve({ iss: ISSUER }, undefined))
  t.match(await keys.find('HS256', 'any'), [{ verifiesInline: true }])
})

t.test('rejects a key whose "ext" is not a boolean as malformed', async (t) => {
  const jwk = rsa(2048)
  for (const ext of [true, false]) t.equal(await verifiesInline({ ...jwk, ext }), true, `${ext}`)
  for (const ext of ['true', 1]) {
    t.equal(await verifiesInline({ ...jwk, ext } as never), undefined, `${ext}`)
  }
})

t.test('an imported key is immutable, and holds only the public key', async (t) => {
  const jwk = rsa(2048)
  const key = await importVerificationKey({ ...jwk, kid: 'a', alg: 'RS256', x5c: ['MIIB'] })
  t.ok(key !== undefined && Object.isFrozen(key))
  t.equal(key?.material.type, 'public')
  t.ok(key?.material.equals(createPublicKey({ key: jwk as never, format: 'jwk' })))
  t.notMatch(key?.fingerprint, /MIIB/)
})

t.test(
  'a fingerprint distinguishes keys by everything that matters for verification',
  async (t) => {
    const fingerprint = async (member: JWK) => (await importVerificationKey(member))?.fingerprint
    const jwk = { ...rsa(2048), kid: 'a', alg: 'RS256' }
    const usual = await fingerprint(jwk)
    t.equal(await fingerprint({ ...jwk, use: 'sig', x5t: 'AA' } as JWK), usual)
    for (const other of [
      { ...jwk, kid: 'b' },
      { ...jwk, alg: 'PS256' },
      { ...jwk, kid: undefined },
      { ...jwk, alg: undefined },
      { ...jwk, n: rsa(2048).n },
      { ...jwk, e: 'Aw' },
    ]) {
      t.not(await fingerprint(other as JWK), usual)
    }
  },
)

t.test(
  'a fingerprint distinguishes keys of different issuers and keys without an issuer',
  async (t) => {
    const jwk = { ...rsa(2048), kid: 'a' }
    const issuers = ['https://one.example', 'https://other.example', '', 'true', undefined, 5]
    const keys = await Promise.all(
      issuers.map((issuer) => importVerificationKey({ ...jwk, issuer })),
    )
    t.strictSame(
      keys.map((key) => key?.issuer),
      issuers,
    )
    t.equal(new Set(keys.map((key) => key?.fingerprint)).size, issuers.length)
  },
)
