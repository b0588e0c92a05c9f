/** Signs the tokens of the benchmark (RFC 7515), with what Node has. */
import { constants, generateKeyPairSync, sign } from 'node:crypto'

export const AUDIENCE = 'api://default'

/** About as long as a real one, whatever the algorithm. */
export const TOKEN_LENGTH = 900

/** How `node:crypto` is told of each algorithm (RFC 7518 §3, RFC 8037 §3.1). */
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

/** A key pair, its public half as a JWK (RFC 7517) too. */
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

/** What is signed, with as much padding among the claims as makes the token its length. */
export function signingInput({ alg, kid }, claims) {
  const header = encode({ alg, kid, typ: 'at+jwt' })
  const signature = Math.ceil((SIGNATURE_BYTES[alg] * 4) / 3)
  const room = Math.floor(((TOKEN_LENGTH - header.length - signature - 2) * 3) / 4)
  const filler = 'x'.repeat(room - JSON.stringify({ ...claims, filler: '' }).length)
  return `${header}.${encode({ ...claims, filler })}`
}

/** @param number makes the token another one than the rest, and no longer. */
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
