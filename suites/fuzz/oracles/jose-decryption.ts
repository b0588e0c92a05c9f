/**
 * Decrypts with jose, with the algorithms of the API, and lists where this package is intentionally
 * stricter: it must reject an encrypted token that jose accepts if and only if a reason applies.
 */
import { compactDecrypt, type DecryptOptions, importJWK, type JWK } from 'jose'
import { isCostly, isStrictObject } from './strict-json.js'
import { reasonToReject } from './stricter-than-jose.js'

/** The algorithms that the option `decryption` accepts for a key without `alg`. */
const DEFAULT_ALGORITHMS: Readonly<Record<string, readonly string[]>> = {
  RSA: ['RSA-OAEP-256'],
  EC: ['ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A256KW'],
  OKP: ['ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A256KW'],
}
const CONTENT_ENCRYPTION = ['GCM', 'CBC-HS'].flatMap((mode) =>
  [128, 192, 256].map((bits) => `A${bits}${mode === 'GCM' ? mode : `${mode}${bits * 2}`}`),
)

export interface Decrypted {
  /** The content, as text. */
  readonly content: string
  /** The `kid` of the keys that decrypt the token. */
  readonly kids: readonly (string | undefined)[]
}

/** Returns the content; `undefined` if no key decrypts the token. */
export async function decryptWithJose(
  raw: string,
  keys: readonly JWK[],
): Promise<Decrypted | undefined> {
  const contents = new Map<string | undefined, string>()
  for (const key of keys) {
    const options: DecryptOptions = {
      keyManagementAlgorithms: [...algorithmsOf(key)],
      contentEncryptionAlgorithms: CONTENT_ENCRYPTION,
    }
    const [first = ''] = algorithmsOf(key)
    try {
      const { plaintext } = await compactDecrypt(raw, await importJWK(key, first), options)
      contents.set(key.kid, Buffer.from(plaintext).toString('latin1'))
    } catch {}
  }
  const [content] = contents.values()
  return content === undefined ? undefined : { content, kids: [...contents.keys()] }
}

function algorithmsOf({ alg, kty = '' }: JWK): readonly string[] {
  return alg === undefined ? (DEFAULT_ALGORITHMS[kty] ?? []) : [alg]
}

/**
 * Returns the first reason to reject a token that jose decrypts and verifies; `undefined` if this
 * package must accept it.
 */
export function reasonToRejectEncrypted(raw: string, { content, kids }: Decrypted) {
  const segments = raw.split('.')
  const text = Buffer.from(segments[0] ?? '', 'base64url').toString()
  if (raw.length > 8_192) return 'longer than 8,192 characters'
  if (segments.some((part) => Buffer.from(part, 'base64url').toString('base64url') !== part)) {
    return 'non-canonical base64url'
  }
  if (!isStrictObject(text)) return 'JSON with a duplicate member, __proto__, or too deep'
  if (isCostly(text)) return 'a costly header'
  const header: Record<string, unknown> = Object.assign(Object.create(null), JSON.parse(text))
  const { kid, cty } = header
  if (kid !== undefined && typeof kid !== 'string') return 'kid that is not a string'
  if (['crit', 'zip', 'b64'].some((name) => name in header)) return 'crit, zip or b64'
  if (typeof cty !== 'string' || !/^(?:application\/)?(?:at\+)?jwt$/i.test(cty)) {
    return 'cty other than JWT'
  }
  // Each key of the API has a "kid".
  if (kid !== undefined && !kids.includes(kid)) return 'kid of another key'
  return reasonToReject(content)
}
