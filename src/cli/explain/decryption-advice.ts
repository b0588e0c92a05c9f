/** Advises on an encrypted token: which of its two layers is at fault, and how to fix it. */
import type { DecryptionKey } from '../../decryption/decryption-key.js'
import type { ResolvedDecryption } from '../../decryption/options.js'
import type { ResourceServerError } from '../../errors/resource-server-error.js'
import { isCompactJwe, splitCompact } from '../../token/compact-serialization.js'
import type { EncryptedLayer } from './encrypted-layer.js'
import { malformedAdvice } from './malformed-advice.js'

/** Advises on the five parts of a token that was not decrypted. */
export function encryptedLayerAdvice({ reason }: ResourceServerError): string {
  const { expected, found } = reason
  const here = found === undefined ? '' : `; found: ${found}`
  return `The encrypted token itself is malformed, so no key was used. It must have ${expected}${here}. Copy it again, complete and unchanged; if that does not help, have the issuer write its header as RFC 7516 §4.1 and RFC 7519 §5.2 say.`
}

/** Advises on the content of a decrypted token. The advice contains no part of the content. */
export function contentAdvice(content: string, maxTokenLength: number): string {
  const found = 'The decryption succeeded, but the content is not a signed JWT.'
  if (isCompactJwe(content)) {
    return `${found} It is encrypted again: have the issuer sign the claims, and encrypt the signed JWT once.`
  }
  return splitCompact(content) === undefined
    ? `${found} Anyone can encrypt with the public key of the API: have the issuer sign the claims first, and encrypt the signed JWT (RFC 7519 §5.2).`
    : `${found} ${malformedAdvice(content, maxTokenLength)}`
}

/** Advises on a decryption that failed or was not attempted. */
export function decryptionAdvice(
  layer: EncryptedLayer | undefined,
  { keys }: Pick<ResolvedDecryption, 'keys'>,
): string {
  if (layer === undefined) {
    return 'Have the issuer encrypt the tokens for this API; or omit --decryption-required, if the API does not set "decryption.required".'
  }
  const { alg, enc, kid } = layer.header as { alg: string; enc: string; kid?: string }
  if (/^(?:RSA1_5$|PBES2-)/.test(alg)) {
    return `${alg} is unsafe (RFC 8725 §3.2) and never accepted: have the issuer use RSA-OAEP-256 or ECDH-ES.`
  }
  const usable = keys.filter(({ material }) => usesOf(material).test(alg))
  if (usable.length === 0) {
    return `No given key can be used with ${alg}: add --decryption-key with the private key whose public key the issuer uses, or register the public key of this one at the issuer.`
  }
  const accepted = usable.filter(({ algorithms }) => [...algorithms].some((one) => one === alg))
  if (accepted.length === 0) {
    return `The API must accept ${alg}: set "decryption.keyManagementAlgorithms" in the API, or "alg" in the JWK. To try it here, add --key-management-algorithms ${alg}.`
  }
  if (kid !== undefined && !accepted.some((key) => key.kid === undefined || key.kid === kid)) {
    const kids = accepted.map((key) => `"${key.kid}"`).join(', ')
    return `The token is for another key: the given keys have the "kid" ${kids}. Add --decryption-key with the named key; or correct the "kid" of the JWK.`
  }
  if (!/^A(?:128|192|256)(?:GCM|CBC-HS(?:256|384|512))$/.test(enc)) {
    return `"${enc}" is no known algorithm for the content (RFC 7518 §5.1): have the issuer use A256GCM.`
  }
  return 'The token was encrypted for another key, or it was changed or truncated afterwards. Compare the public key at the issuer with that of the given key (openssl pkey -in FILE -pubout), and copy the token again, complete and unchanged.'
}

function usesOf({ type, asymmetricKeyType }: DecryptionKey['material']): RegExp {
  if (type === 'secret') return /^(?:dir|A(?:128|192|256)(?:GCM)?KW)$/
  return asymmetricKeyType === 'rsa' ? /^RSA-OAEP/ : /^ECDH-ES/
}
