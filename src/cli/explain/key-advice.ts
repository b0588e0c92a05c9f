/** Advises on unavailable keys, an unknown key and an invalid signature. */

import { canParseUrl } from '../../base/can-parse-url.js'
import { isJsonObject } from '../../base/json-object.js'
import type { ResourceServerError } from '../../errors/resource-server-error.js'
import type { Issuer } from '../../issuer/issuer.js'
import { TooManyKeysError } from '../../keys/key-set.js'
import type { CompactJws } from '../../token/compact-jws.js'
import { jsonTypeName } from '../json-type-name.js'
import type { ObservedFetch } from './observed-fetch.js'

type Observed = Pick<ObservedFetch, 'areKeysGiven' | 'redirect' | 'keys' | 'failure'>

export function keyAdvice(
  error: ResourceServerError,
  { header }: CompactJws,
  { issuer }: Issuer,
  observed: Observed,
): string {
  if (error.check === 'keys-unavailable') return unavailableAdvice(error, issuer, observed)
  return observed.areKeysGiven
    ? 'No key of --key has the "kid" of the token and fits its algorithm. Add the key that signed the token, or omit --key to fetch the key set of the issuer.'
    : unknownKeyAdvice(header.kid, observed.keys as readonly unknown[])
}

function unavailableAdvice(
  { cause }: ResourceServerError,
  issuer: string,
  { redirect, keys, failure }: Observed,
): string {
  if (redirect !== undefined) {
    return `${redirect.from} redirects to ${redirect.to}, and redirects are not followed: set --issuer or --jwks-uri to the final address.`
  }
  if (cause instanceof TooManyKeysError) {
    return `The issuer publishes ${keys?.length} keys. Have it remove retired keys, or raise "jwks.maxKeys" in the API.`
  }
  if (keys?.length === 0) return 'The key set is empty: have the issuer publish its keys.'
  if (keys !== undefined) {
    return 'The key set was read, but none of its keys can verify a signature: check their "kty", "use", "key_ops", "alg" and size (RSA: 2048 to 8192 bits), and that they are public keys.'
  }
  const check = canParseUrl(issuer)
    ? `that ${issuer} is spelled exactly as in its metadata and is reachable`
    : 'that the URL of the key set is correct and reachable'
  const where = `Check ${check} from this machine; or set its key set with --jwks-uri.`
  return failure === undefined
    ? where
    : `${where} The connection failed: ${failure}.${hintFor(failure)}`
}

function hintFor(failure: string): string {
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(failure)) {
    return ' If a private certificate authority signed the certificate, set NODE_EXTRA_CA_CERTS to the file with its root certificate.'
  }
  if (/ENOTFOUND|EAI_AGAIN/.test(failure)) return ' The host name cannot be resolved.'
  return ''
}

const NOT_PUBLISHED =
  'The issuer does not publish the key that signed the token: the token is from another environment or tenant, or older than the last key rotation. Get a new token from this issuer.'

function unknownKeyAdvice(kid: string | undefined, keys: readonly unknown[]): string {
  const members = keys.filter(isJsonObject)
  if (kid === undefined) {
    return 'The token has no "kid", and none of the published keys is for its algorithm. Have the issuer sign with a published key, and write its "kid" into the header.'
  }
  if (members.some((key) => key.kid === kid)) {
    return 'The key set has the key that the token names, but it cannot verify this token: check its "kty", "use", "key_ops", "alg", size (RSA: 2048 to 8192 bits), and that it is a public key.'
  }
  const other = members.find((key) => key.kid !== undefined && String(key.kid) === kid)
  if (other !== undefined) {
    return `The key set has the key that the token names, but its "kid" is ${jsonTypeName(other.kid)} and must be a string (RFC 7517 §4.5): have the issuer write it in quotation marks.`
  }
  const nameless = members.filter((key) => key.kid === undefined || key.kid === null).length
  if (nameless === 0) return NOT_PUBLISHED
  return `The token names its key ("kid"), but ${nameless} of the ${members.length} published keys have no "kid", so that the token's "kid" matches none of them. Have the issuer publish each key with the "kid" that it writes into tokens.`
}

export function signatureAdvice({ header, signature }: CompactJws): string {
  if (/^ES\d/.test(header.alg) && isDer(signature)) {
    return 'The signature is encoded in DER, as OpenSSL, Java and cloud key services (AWS KMS) create it. A JWT requires R and S concatenated, each in full length (RFC 7518 §3.4): have the signer convert it (Node: dsaEncoding "ieee-p1363"; Java: "SHA256withECDSAinP1363Format").'
  }
  if (header.kid === undefined && !header.alg.startsWith('HS')) {
    return 'The token has no "kid", and no key of the issuer that fits its algorithm verifies it. The token was modified or truncated, or signed with a key that the issuer does not publish, such as that of another environment. Get a new token from this issuer.'
  }
  if (header.alg.startsWith('HS')) {
    return 'The token was modified after it was signed, truncated, or signed with another secret. Compare the secret with that of the issuer; if the issuer shows it in base64, it may use the decoded bytes.'
  }
  return 'The token was modified after it was signed, truncated, or signed with another key that has the same "kid". A key in --key, or in "jwks.keys" of the API, may be that of another environment. Copy the token again completely; if it still fails, do not trust it.'
}

/** Whether the signature is a DER SEQUENCE of the right length that begins with an INTEGER. */
function isDer(signature: Uint8Array): boolean {
  const [tag, first = 0, second = 0] = signature
  const isLong = first === 0x81
  const start = isLong ? 3 : 2
  const length = isLong ? second : first
  return tag === 0x30 && signature.length === start + length && signature[start] === 0x02
}
