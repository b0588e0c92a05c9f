/** Creates DPoP proofs with a key of this API (RFC 9449 §4.2). */
import { randomUUID } from 'node:crypto'
import { types } from 'node:util'
import type { CryptoKey, JWK } from 'jose'
import { SignJWT } from 'jose/jwt/sign'
// Imported from these entries because the main entry of jose takes longer to load.
import { exportJWK } from 'jose/key/export'
import { generateKeyPair } from 'jose/key/generate/keypair'
import { importJWK } from 'jose/key/import'
import { ownMembers } from '../base/plain-object.js'
import { sha256 } from '../base/thumbprint.js'

/** The request that a proof is for. */
export interface ProvenRequest {
  readonly method: string
  readonly url: string
  /** The access token that the request presents; `undefined` at the token endpoint. */
  readonly accessToken?: string
  readonly nonce?: string | undefined
}

export type SignProof = (request: ProvenRequest) => Promise<string>

/**
 * Returns a function that creates proofs.
 *
 * @param key a private JWK with `alg`, or `true` for a new ES256 key.
 * @param now returns the milliseconds since the epoch.
 * @throws {TypeError} if the key is unusable.
 */
export async function createProofSigner(key: true | JWK, now: () => number): Promise<SignProof> {
  const { alg, privateKey, jwk } = key === true ? await newKey() : await givenKey(key)
  return ({ method, url, accessToken, nonce }) => {
    const { origin, pathname } = new URL(url)
    const claims = ownMembers({
      jti: randomUUID(),
      htm: method,
      htu: origin + pathname,
      iat: Math.floor(now() / 1_000),
      ...(accessToken !== undefined && { ath: digestOf(accessToken) }),
      ...(nonce !== undefined && { nonce }),
    })
    return new SignJWT(claims)
      .setProtectedHeader(ownMembers({ typ: 'dpop+jwt', alg, jwk }))
      .sign(privateKey)
  }
}

interface DPoPSigningKey {
  readonly alg: string
  readonly privateKey: CryptoKey
  readonly jwk: JWK
}

async function newKey(): Promise<DPoPSigningKey> {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  return { alg: 'ES256', privateKey, jwk: await exportJWK(publicKey) }
}

async function givenKey(key: JWK): Promise<DPoPSigningKey> {
  const own = ownMembers(key)
  const { alg, kty, crv, x, y, n, e } = own
  const privateKey = await importJWK(own, alg).catch(() => undefined)
  if (!types.isCryptoKey(privateKey) || !privateKey.usages.includes('sign')) {
    throw new TypeError('"dpop" option must be true, or a private JWK that its "alg" can sign with')
  }
  const members = Object.entries({ kty, crv, x, y, n, e })
  const jwk = Object.fromEntries(members.filter(([, value]) => value !== undefined)) as JWK
  return { alg: alg as string, privateKey, jwk }
}

function digestOf(accessToken: string): string {
  return sha256(accessToken)
}
