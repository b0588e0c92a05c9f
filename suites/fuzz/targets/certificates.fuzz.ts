/**
 * Reads headers in which a proxy forwards the client's certificate (P6): `Client-Cert`, Envoy's,
 * percent-encoded PEM, base64. A thumbprint must result only if an independent parser finds the
 * same thumbprint, never from a sender that is not a trusted proxy, and never from two headers.
 */
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import fc from 'fast-check'
import { ForwardedCertificates } from '../../../src/binding/certificate/forwarded-certificates.js'
import { makeCertificate } from '../../../test/fixtures/certificates.js'
import { type Edit, edited, edits } from '../arbitraries/edits.js'
import { anyText } from '../arbitraries/text.js'
import {
  base64,
  clientCert,
  escapedPem,
  forwardedClientCert,
} from '../oracles/certificate-headers.js'
import type { Target } from '../target.js'

const READERS = {
  'client-cert': clientCert,
  'x-forwarded-client-cert': forwardedClientCert,
  'pem-escaped': escapedPem,
  base64,
}
type Format = keyof typeof READERS

/** Placeholders of certificates, so that a case does not depend on the certificates. */
const PLACEHOLDERS = ['{base64}', '{pem}', '{hash}', '{other}', '{otherHash}'] as const

interface CertificateCase {
  readonly format: Format
  /** Pieces to concatenate; placeholders are replaced. */
  readonly value: readonly string[]
  readonly edits: readonly Edit[]
  readonly times: number
  readonly from: string | undefined
}

const piece = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...PLACEHOLDERS) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(':', ';', ',', '"', '\\', '=', 'Hash=', 'Cert=', 'Cert="', 'By=a'),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom('URI=spiffe://a', 'Subject="CN=a,O=b"', ';hash=', '%0A'),
  },
  { weight: 1, arbitrary: anyText(5) },
)
const usual = fc.constantFrom(
  [':', '{base64}', ':'],
  ['{base64}'],
  ['{pem}'],
  ['Hash=', '{hash}'],
  ['By=a;Hash=', '{hash}', ';Cert="', '{pem}', '"'],
  ['Hash=', '{hash}', ';Subject="CN=a";URI=', 'b', ',Hash=', '{otherHash}'],
  ['Hash=', '{otherHash}', ';Cert="', '{pem}', '"'],
)
/** Long repetitions, which would show catastrophic backtracking of a regular expression. */
const long = fc
  .tuple(fc.constantFrom('a=', 'a="\\', 'a;', '%0A', 'A\n', ';', 'Hash=,', '"'), fc.nat(8_000))
  .map(([text, times]) => [text.repeat(times)])

const cases: fc.Arbitrary<CertificateCase> = fc.record({
  format: fc.constantFrom(...(Object.keys(READERS) as Format[])),
  value: fc.oneof(
    { weight: 4, arbitrary: usual },
    { weight: 4, arbitrary: fc.array(piece, { maxLength: 8 }) },
    { weight: 1, arbitrary: long },
  ),
  edits: edits(piece, 2),
  times: fc.constantFrom(1, 1, 1, 1, 1, 0, 2),
  from: fc.constantFrom(
    '10.0.0.7',
    '10.0.0.7',
    '10.0.0.7',
    '::ffff:10.0.0.7',
    '10.0.0.8',
    '::1',
    '',
    'x',
    undefined,
  ),
})

export const certificates: Target<CertificateCase> = {
  name: 'certificates',
  share: 0.1,
  cases,
  requiredOutcomes: ['thumbprint', 'none'],
  async open() {
    const [own, other] = await Promise.all([makeCertificate('a'), makeCertificate('b')])
    const hex = (thumbprint: string) => Buffer.from(thumbprint, 'base64url').toString('hex')
    const texts: Readonly<Record<string, string>> = {
      '{base64}': own.der.toString('base64'),
      '{pem}': encodeURIComponent(own.cert),
      '{hash}': hex(own.thumbprint),
      '{other}': other.der.toString('base64'),
      '{otherHash}': hex(other.thumbprint),
    }
    const proxies = [{ address: '10.0.0.7', prefix: 32, family: 'ipv4' }] as const
    return {
      run({ format, value: pieces, edits, times, from }) {
        const value = edited(pieces.map((text) => texts[text] ?? text).join(''), edits)
        const rawHeaders = Array.from({ length: times }, () => ['X-Cert', value]).flat()
        const socket = { remoteAddress: from } as Socket
        const reader = new ForwardedCertificates({ name: 'x-cert', format, proxies })
        const { thumbprint, expected } = reader.certificateOf({ socket, rawHeaders })
        const isRead = times === 1 && (from ?? '').endsWith('10.0.0.7') && value.length <= 16_384
        const correct = isRead ? READERS[format](value) : undefined
        assert.equal(thumbprint, correct, JSON.stringify(value.slice(0, 2_000)))
        assert.match(thumbprint ?? expected ?? '', /^[\x20-\x7e]+$/)
        return thumbprint === undefined ? 'none' : 'thumbprint'
      },
      async close() {},
    }
  },
}
