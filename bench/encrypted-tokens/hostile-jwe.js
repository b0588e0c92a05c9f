/** Creates encrypted tokens that an API must reject. The attacker has the API's public keys. */
import { createSecretKey, randomBytes } from 'node:crypto'
import { encode } from '../jwt.js'
import { encrypt, jwtOf, makeKeys } from './keys.js'

const MEGABYTE = 2 ** 20

const KEY_TYPES = ['RSA 2048', 'P-256', 'X25519', 'RSA 4096', 'P-384', 'P-521']

/**
 * For each kind, the `check` that rejects the token, and a function that creates it; `rsa` and `ec`
 * are keys of the API, `others` those of another API.
 */
export const HOSTILE_JWE = {
  'for another recipient, RSA 2048': {
    check: 'decryption',
    make: ({ rsa, others, jwt }) => encrypt(jwt, { ...others[rsa.kid], kid: rsa.kid }),
  },
  'for another recipient, P-256': {
    check: 'decryption',
    make: ({ ec, others, jwt }) => encrypt(jwt, { ...others[ec.kid], kid: ec.kid }),
  },
  'foreign "epk", P-256': {
    check: 'decryption',
    make: ({ ec, others, jwt }) => withEpk(jwt, ec, others['P-256']),
  },
  '"epk" on P-521, for P-256': {
    check: 'decryption',
    make: ({ ec, others, jwt }) => withEpk(jwt, ec, others['P-521']),
  },
  'truncated tag, RSA 2048': {
    check: 'decryption',
    make: async ({ rsa, jwt }) => withTag(await encrypt(jwt, rsa), randomBytes(8)),
  },
  ...Object.fromEntries(
    KEY_TYPES.map((type) => [
      `changed tag, ${type}`,
      {
        check: 'decryption',
        make: async ({ keys, jwt }) => withTag(await encrypt(jwt, keys[type]), randomBytes(16)),
      },
    ]),
  ),
  'longest token, changed tag, RSA 2048': {
    check: 'decryption',
    make: async ({ rsa }) => withTag(await encrypt(randomBytes(5_700), rsa), randomBytes(16)),
  },
  'claims without a signature, RSA 2048': {
    check: 'token',
    make: ({ rsa, jwt }) => encrypt(Buffer.from(jwt.split('.')[1], 'base64url'), rsa),
  },
  'JWE in a JWE, RSA 2048': {
    check: 'token',
    make: async ({ rsa, jwt }) => encrypt(await encrypt(jwt, rsa), rsa),
  },
  'JWT of another issuer, RSA 2048': {
    check: 'issuer',
    make: ({ rsa, foreignJwt }) => encrypt(foreignJwt, rsa),
  },
  'JWT with a random signature, RSA 2048': {
    check: 'signature',
    make: ({ rsa, jwt }) => encrypt(forged(jwt), rsa),
  },
  '"dir", bytes of the RSA key': {
    check: 'decryption',
    make: ({ rsa, jwt }) => encrypt(jwt, { ...rsa, alg: 'dir', publicKey: modulusBytes(rsa) }),
  },
  'compressed, 4 MB of zeros': {
    check: 'token',
    make: ({ rsa }) => encrypt(new Uint8Array(4 * MEGABYTE), rsa, { zip: 'DEF' }),
  },
  '1 MB of ciphertext': {
    check: 'token',
    make: ({ rsa }) => encrypt(randomBytes(MEGABYTE), rsa),
  },
}

/** Returns `count` tokens of the kind. */
export async function hostileJwe({ make }, { signer, decryption: keys }, issuer, count) {
  const parts = { keys, rsa: keys['RSA 2048'], ec: keys['P-256'], others: OTHERS }
  const tokens = []
  for (let number = 0; number < count; number++) {
    const jwt = jwtOf(signer, issuer, number)
    const foreignJwt = jwtOf(signer, 'https://foreign.example/oauth2/default', number)
    tokens.push(await make({ ...parts, jwt, foreignJwt }))
  }
  return tokens
}

const { decryption: OTHERS } = makeKeys()

/** The signature is below any modulus, because OpenSSL rejects a larger number cheaply. */
export function forged(jwt) {
  const signature = randomBytes(256)
  signature[0] = 0
  return `${jwt.slice(0, jwt.lastIndexOf('.'))}.${signature.toString('base64url')}`
}

export function withTag(token, tag) {
  return `${token.slice(0, token.lastIndexOf('.'))}.${tag.toString('base64url')}`
}

/** Returns a token whose ephemeral public key is that of `other`. */
async function withEpk(jwt, key, other) {
  const [header, ...rest] = (await encrypt(jwt, key)).split('.')
  const decoded = JSON.parse(Buffer.from(header, 'base64url'))
  const epk = other.publicKey.export({ format: 'jwk' })
  return [encode({ ...decoded, epk }), ...rest].join('.')
}

function modulusBytes({ publicKey }) {
  const { n } = publicKey.export({ format: 'jwk' })
  return createSecretKey(Buffer.from(n, 'base64url').subarray(0, 32))
}
