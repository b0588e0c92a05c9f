/**
 * An independent parser of the headers in which proxies forward certificates: it reads character by
 * character, where src/binding/certificate uses regular expressions.
 */
import { createHash } from 'node:crypto'

type Thumbprint = string | undefined

/** Base64 (RFC 4648 §4) of a DER sequence with nothing after it. */
export function base64(text: string): Thumbprint {
  const der = Buffer.from(text, 'base64')
  if (der.toString('base64') !== text || der.length < 4 || der[0] !== 0x30) return undefined
  const [length, header] =
    der[1] === 0x81 ? [der[2] as number, 3] : [((der[2] as number) << 8) | (der[3] as number), 4]
  const isLong = der[1] === 0x81 || der[1] === 0x82
  if (!isLong || length + header !== der.length) return undefined
  return createHash('sha256').update(der).digest('base64url')
}

/** RFC 9440 §2.2, RFC 9651 §3.3.5. */
export function clientCert(value: string): Thumbprint {
  const inner = value.slice(1, -1)
  return inner !== '' && value === `:${inner}:` ? base64(inner) : undefined
}

/** RFC 7468 §5, percent-encoded. */
export function escapedPem(value: string): Thumbprint {
  let text: string
  try {
    text = decodeURIComponent(value)
  } catch {
    return undefined
  }
  const lines = text.replaceAll('\r\n', '\n').split('\n')
  if (lines.at(-1) === '') lines.pop()
  const [first, last] = [lines.shift(), lines.pop()]
  const isPem = first === '-----BEGIN CERTIFICATE-----' && last === '-----END CERTIFICATE-----'
  return isPem && lines.length > 0 ? base64(lines.join('')) : undefined
}

/** Envoy's `x-forwarded-client-cert`: one element of pairs that semicolons separate. */
export function forwardedClientCert(value: string): Thumbprint {
  const pairs = pairsOf(value)
  const [hashes, certificates] = ['hash', 'cert'].map((name) =>
    pairs?.filter(([key]) => key === name).map(([, text]) => text),
  )
  if (hashes === undefined || certificates === undefined) return undefined
  if (hashes.length > 1 || certificates.length > 1) return undefined
  const found = [
    ...hashes.map((hex) =>
      hex.length === 64 && Buffer.from(hex, 'hex').length === 32
        ? Buffer.from(hex, 'hex').toString('base64url')
        : undefined,
    ),
    ...certificates.map(escapedPem),
  ]
  return new Set(found).size === 1 ? found[0] : undefined
}

/** Returns `undefined` if the value is not a list of pairs or has more than one element. */
function pairsOf(value: string): (readonly [key: string, text: string])[] | undefined {
  const pairs: (readonly [string, string])[] = []
  let at = 0
  for (;;) {
    const equals = value.indexOf('=', at)
    const key = value.slice(at, equals)
    if (equals === -1 || !/^[A-Za-z]+$/.test(key)) return undefined
    at = equals + 1
    let text = ''
    if (value[at] === '"') {
      for (at++; value[at] !== '"'; at++) {
        // An escape sequence stays as it is written: no thumbprint contains a backslash.
        if (value[at] === '\\') text += value[at++]
        if (at >= value.length || value[at] === '\n' || value[at] === '\r') return undefined
        text += value[at]
      }
      at++
    } else {
      while (at < value.length && !'",;'.includes(value[at] as string)) text += value[at++]
    }
    pairs.push([key.toLowerCase(), text])
    if (at === value.length) return pairs
    if (value[at++] !== ';' || at === value.length) return undefined
  }
}
