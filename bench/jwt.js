/** Signs the tokens of the benchmark (RFC 7515) with `node:crypto`. */
import { constants, generateKeyPairSync, sign } from 'node:crypto'

export const AUDIENCE = 'api://default'

/** The same for all algorithms, and close to the length of production tokens. */
export const TOKEN_LENGTH = 900

/** The `node:crypto` parameters of each algorithm (RFC 7518 §3, RFC 8037 §3.1). */
export const ALGORITHMS = {
  RS256: { hash: 'sha256', key: {} },
  PS256: { hash: 'sha256', key: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } },
  ES256: { hash: 'sha256', key: { dsaEncoding: 'ieee-p1363' } },
  EdDSA: { hash: null, key: {} },
}

const KEY_TYPES = {
  RS256: ['rsa', { modulusLength: 2048 }],
  PS256: ['rsa', { modulusLength: 2048 }],
  ES256: ['ec', { namedCurve: 'P-256' }],
  EdDSA: ['ed25519'],
}

const SIGNATURE_BYTES = { RS256: 256, PS256: 256, ES256: 64, EdDSA: 64, HS256: 32 }

/** Generates a key pair and its public JWK (RFC 7517). */
export function generateKey(algorithm, kid = algorithm) {
  const { publicKey, privateKey } = generateKeyPairSync(...KEY_TYPES[algorithm])
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig' }
  return { algorithm, kid, jwk, publicKey, privateKey }
}

export function signToken({ algorithm, kid, privateKey }, claims) {
  const input = signingInput({ alg: algorithm, kid }, claims)
  const { hash, key } = ALGORITHMS[algorithm]
  const signature = sign(hash, Buffer.from(input), { key: privateKey, ...key })
  return `${input}.${signature.toString('base64url')}`
}

/** Returns the JWS signing input, with a filler claim that makes the token `TOKEN_LENGTH` long. */
export function signingInput({ alg, kid }, claims) {
  const header = encode({ alg, kid, typ: 'at+jwt' })
  const signature = Math.ceil((SIGNATURE_BYTES[alg] * 4) / 3)
  const room = Math.floor(((TOKEN_LENGTH - header.length - signature - 2) * 3) / 4)
  const filler = 'x'.repeat(room - JSON.stringify({ ...claims, filler: '' }).length)
  return `${header}.${encode({ ...claims, filler })}`
}

/**
 * @param number makes the token unique; all numbers have eight digits and keep the length constant.
 */
export function accessTokenClaims({ issuer, number, issuedAt, lifetime }) {
  const id = `${number}`.padStart(8, '0')
  return {
    iss: issuer,
    aud: AUDIENCE,
    sub: `user-${id}`,
    client_id: 'bench-client',
    iat: issuedAt,
    exp: issuedAt + lifetime,
    jti: `token-${id}`,
    scope: 'openid profile orders:read orders:write',
  }
}

export function encode(value) {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
