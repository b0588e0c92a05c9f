/**
 * Reads the keys in the option `jwks.keys`, which may have other forms than a JWK. Converts these
 * forms to JWKs, so that the same checks apply to all keys. Errors contain no key material.
 */
import { createPublicKey, KeyObject, X509Certificate } from 'node:crypto'
import { types } from 'node:util'
import type { CryptoKey, JWK } from 'jose'
import { isPlainObject, reject } from '../base/check.js'
import { whyUnusable } from './verification-key.js'

/**
 * A public key in the option `jwks.keys`: a JWK, the text of a PEM file with one public key or one
 * certificate, a `KeyObject`, or a `CryptoKey`.
 */
export type StaticKey = JWK | string | KeyObject | CryptoKey

/**
 * Returns the key as a JWK. A JWK is returned unchanged and unchecked.
 *
 * @param name the name of the option, for messages.
 * @throws {TypeError} if the value is not a public key that can verify tokens; the message names
 *   the fix.
 */
export function readStaticKey(name: string, value: unknown): JWK {
  if (typeof value === 'string') return jwkOf(name, readPem(name, value))
  if (types.isKeyObject(value)) return jwkOf(name, value as KeyObject)
  if (types.isCryptoKey(value)) return readCryptoKey(name, value as CryptoKey)
  if (isPlainObject(value)) return value as JWK
  const hint = types.isUint8Array(value) ? `. Decode the bytes of a PEM file: ${DECODE}` : ''
  return reject(name, `must be a JWK, a PEM string, a KeyObject or a CryptoKey${hint}`)
}

const DECODE = 'readFile(path, "utf8")'
const NOT_PRIVATE =
  'is a private key, which an API must not have: pass the public key, which "openssl pkey -pubout" prints'
const NOT_SECRET = 'is a shared secret: set the option "secret"'

function readPem(name: string, text: string): KeyObject {
  const labels = [...text.matchAll(/-----BEGIN ([^-\r\n]*)-----/g)].map(([, label]) => label)
  // An encrypted private key also has this label. createPublicKey() would read a private key.
  if (labels.some((label) => label?.endsWith('PRIVATE KEY'))) reject(name, NOT_PRIVATE)
  if (labels.length > 1) {
    reject(
      name,
      `has ${labels.length} PEM blocks: pass each public key as a separate string, and only the first certificate of a chain`,
    )
  }
  const [label] = labels
  if (label === undefined || !Object.hasOwn(READERS, label)) {
    reject(
      name,
      'must be PEM with the label PUBLIC KEY or CERTIFICATE. Set "jwksUri" for the URL of a key set, and "secret" for a shared secret',
    )
  }
  return READERS[label]?.(name, text) ?? reject(name, whyMalformed(text))
}

/** Readers by PEM label. A reader returns `undefined` if the text is malformed. */
const READERS: Readonly<Record<string, (name: string, text: string) => KeyObject | undefined>> = {
  'PUBLIC KEY': (_name, text) => parsed(() => createPublicKey(text)),
  'RSA PUBLIC KEY': (_name, text) => parsed(() => createPublicKey(text)),
  CERTIFICATE: (name, text) => {
    const certificate = parsed(() => new X509Certificate(text))
    if (certificate === undefined) return undefined
    requireValid(name, certificate)
    return parsed(() => certificate.publicKey)
  },
}

function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch {
    return undefined
  }
}

function whyMalformed(text: string): string {
  return text.includes('\\n')
    ? 'has "\\n" as two characters instead of line breaks: replace them with text.replaceAll("\\\\n", "\\n")'
    : 'is malformed PEM: pass the unchanged text of the file, with its line breaks'
}

/** Checks the validity period. Nothing else in the certificate is checked, not even its chain. */
function requireValid(name: string, { validFrom, validTo }: X509Certificate): void {
  const now = Date.now()
  if (Date.parse(validFrom) <= now && now < Date.parse(validTo)) return
  reject(
    name,
    `is a certificate that is valid only from ${validFrom} to ${validTo}: pass the current certificate of the issuer, or, if the issuer still signs with this key, the public key, which "openssl x509 -pubkey -noout" prints`,
  )
}

function readCryptoKey(name: string, key: CryptoKey): JWK {
  if (key.type === 'private') reject(name, NOT_PRIVATE)
  if (key.type === 'secret') reject(name, NOT_SECRET)
  if (!key.usages.includes('verify')) {
    reject(name, 'is a CryptoKey without the usage "verify": import it with ["verify"]')
  }
  if (!key.extractable) {
    reject(name, 'is a CryptoKey that is not extractable: import it with extractable true')
  }
  return jwkOf(name, KeyObject.from(key), rsaAlgorithmOf(key))
}

/** Returns the algorithm of an RSA `CryptoKey`; `undefined` for a key of another type. */
function rsaAlgorithmOf({ algorithm }: CryptoKey): string | undefined {
  const { name, hash } = algorithm as { name: string; hash?: { name: string } }
  const prefix = RSA_PREFIXES[name]
  return prefix && `${prefix}${hash?.name.replace('SHA-', '')}`
}

const RSA_PREFIXES: Readonly<Record<string, string>> = {
  'RSASSA-PKCS1-v1_5': 'RS',
  'RSA-PSS': 'PS',
}

/** @param alg the only algorithm for which the key may be used. Default: each that fits its type. */
function jwkOf(name: string, key: KeyObject, alg?: string): JWK {
  if (key.type === 'private') reject(name, NOT_PRIVATE)
  if (key.type === 'secret') reject(name, NOT_SECRET)
  const exported = parsed(() => key.export({ format: 'jwk' }) as JWK)
  if (exported === undefined) {
    return reject(
      name,
      `is of a type that is not supported (${key.asymmetricKeyType}): pass an RSA key with the OID rsaEncryption, or a key on P-256, P-384, P-521 or Ed25519`,
    )
  }
  const jwk = { ...exported, ...(alg !== undefined && { alg }) }
  const reason = whyUnusable(jwk, key)
  return reason === undefined ? jwk : reject(name, reason)
}
