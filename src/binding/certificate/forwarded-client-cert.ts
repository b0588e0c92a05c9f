/**
 * Envoy's header `x-forwarded-client-cert`: an element for each proxy on the way, of pairs such as
 * `Hash=…;Subject="CN=…"`. Envoy doesn't quote the names that a certificate brings along (`URI`,
 * `DNS`), so whoever has one made can write what looks like further pairs or elements. Only a value
 * that can be read in one way counts.
 *
 * @see https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#x-forwarded-client-cert
 */
import { thumbprintOfEscapedPem } from './escaped-pem.js'

const PAIR = /([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^",;]*))(?:;(?!$)|$)/gy

/** Of the one element: a second one is another client, and nobody says which is meant. */
export function thumbprintOfForwardedClientCert(value: string): string | undefined {
  const hashes: string[] = []
  const certificates: string[] = []
  let length = 0
  for (const [pair, key = '', quoted, plain = ''] of value.matchAll(PAIR)) {
    length += pair.length
    const name = key.toLowerCase()
    if (name === 'hash') hashes.push(quoted ?? plain)
    if (name === 'cert') certificates.push(quoted ?? plain)
  }
  // A comma outside of quotation marks ended the reading, or anything else that isn't a pair.
  if (length !== value.length || hashes.length > 1 || certificates.length > 1) return undefined
  const thumbprints = [...hashes.map(thumbprintOfHex), ...certificates.map(thumbprintOfEscapedPem)]
  const [thumbprint] = thumbprints
  return thumbprints.every((one) => one === thumbprint) ? thumbprint : undefined
}

function thumbprintOfHex(hash: string): string | undefined {
  return /^[0-9a-f]{64}$/i.test(hash) ? Buffer.from(hash, 'hex').toString('base64url') : undefined
}
