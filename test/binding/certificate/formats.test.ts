import t, { type Test } from 'tap'
import {
  thumbprintOfBase64,
  thumbprintOfClientCert,
  thumbprintOfEscapedPem,
  thumbprintOfForwardedClientCert,
} from '../../../src/binding/certificate/formats.js'
import { makeCertificate, thumbprintOf } from '../../fixtures/certificates.js'

const client = await makeCertificate('client')
const rsa = await makeCertificate('client', { keyType: 'rsa' })
const other = await makeCertificate('client')

const base64 = client.der.toString('base64')
const escaped = encodeURIComponent(client.cert)
const hex = Buffer.from(client.thumbprint, 'base64url').toString('hex')
const otherHex = Buffer.from(other.thumbprint, 'base64url').toString('hex')
const escapedOther = encodeURIComponent(other.cert)

type Read = (value: string) => string | undefined

function rejects(t: Test, read: Read, values: Record<string, string>): void {
  for (const [title, value] of Object.entries(values)) t.equal(read(value), undefined, title)
}

t.test('P6: reads DER in base64', async (t) => {
  for (const one of [client, rsa, other]) {
    t.equal(thumbprintOfBase64(one.der.toString('base64')), one.thumbprint)
    t.match(one.thumbprint, /^[\w-]{43}$/)
  }
  const small = Buffer.concat([Buffer.from([0x30, 0x81, 0x90]), Buffer.alloc(0x90)])
  t.equal(thumbprintOfBase64(small.toString('base64')), thumbprintOf(small), 'a short length')
  const shortest = Buffer.from([0x30, 0x82, 0, 0])
  t.equal(thumbprintOfBase64(shortest.toString('base64')), thumbprintOf(shortest), 'the shortest')
})

t.test(
  'P6: rejects base64 that is not exactly one certificate in canonical encoding',
  async (t) => {
    const padded = [client, rsa, other].map(({ der }) => der).find(({ length }) => length % 3 !== 0)
    const withPadding = (padded ?? Buffer.concat([client.der, Buffer.alloc(1)])).toString('base64')
    const bytes = (...list: number[]) => Buffer.from(list).toString('base64')
    rejects(t, thumbprintOfBase64, {
      nothing: '',
      base64url: client.der.toString('base64url').replace(/^/, '-'),
      'the other alphabet': Buffer.from([0x30, 0x81, 0xfb, ...Buffer.alloc(0xfb, 0xff)]).toString(
        'base64url',
      ),
      'no padding': withPadding.replace(/=+$/, ''),
      'more padding': `${base64}====`,
      'a blank': `${base64.slice(0, 40)} ${base64.slice(40)}`,
      'a line break': `${base64.slice(0, 64)}\n${base64.slice(64)}`,
      'a wide character': base64.replace('M', 'ō'),
      'a NUL at its end': `${base64}\0`,
      'half of it': base64.slice(0, 200),
      'two certificates': Buffer.concat([client.der, other.der]).toString('base64'),
      'two after each other': `${base64},${base64}`,
      'a byte more': Buffer.concat([client.der, Buffer.alloc(1)]).toString('base64'),
      'a byte less': client.der.subarray(0, -1).toString('base64'),
      'no sequence': Buffer.concat([Buffer.from([0x31]), client.der.subarray(1)]).toString(
        'base64',
      ),
      'three bytes': bytes(0x30, 0x82, 0x00),
      'a short form of length': bytes(0x30, 0x02, 0x05, 0x00),
      'an empty text after a length in a byte': bytes(0x30, 0x81, 0x90),
      'a byte more than a length in a byte says': bytes(0x30, 0x81, 0x02, 0x05, 0x00, 0x00),
      'a byte less than a length in a byte says': bytes(0x30, 0x81, 0x02, 0x05),
      'a length in three bytes, of which two fit': bytes(0x30, 0x83, 0x00, 0x02, 0x05, 0x00),
      'an indefinite length': bytes(0x30, 0x80, 0x05, 0x00, 0x00, 0x00),
      'a length of more bytes than there are': bytes(0x30, 0x84, 0xff, 0xff, 0xff, 0xff),
      PEM: client.cert,
      'PEM, in base64': Buffer.from(client.cert).toString('base64'),
    })
  },
)

t.test('P6: reads Client-Cert (RFC 9440) in its exact syntax only', async (t) => {
  t.equal(thumbprintOfClientCert(`:${base64}:`), client.thumbprint)
  rejects(t, thumbprintOfClientCert, {
    nothing: '',
    'a colon': ':',
    'two colons': '::',
    'three colons': ':::',
    'no colons': base64,
    'no colon before': `${base64}:`,
    'no colon after': `:${base64}`,
    'something else before': `x${base64}:`,
    'something else after': `:${base64}x`,
    'a string': `"${base64}"`,
    'a parameter': `:${base64}:;a=1`,
    'a list of two': `:${base64}:, :${other.der.toString('base64')}:`,
    'the same twice': `:${base64}:,:${base64}:`,
    'blanks around it': ` :${base64}: `,
    'blanks inside of it': `: ${base64} :`,
    'percent-encoded': encodeURIComponent(`:${base64}:`),
    'PEM in it': `:${escaped}:`,
  })
})

t.test('P6: reads PEM that is percent-encoded in part or in full', async (t) => {
  const everyOctet = [...Buffer.from(client.cert)]
    .map((octet) => `%${octet.toString(16).padStart(2, '0')}`)
    .join('')
  const spellings = {
    'as encodeURIComponent does': escaped,
    'as nginx does': escaped.replace(/%0A$/, ''),
    'as AWS does, with +=/ as they are': escaped.replace(/%2[BF]|%3D/g, decodeURIComponent),
    'with CRLF': encodeURIComponent(client.cert.replace(/\r?\n/g, '\r\n')),
    'on one line': encodeURIComponent(
      `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
    ),
    'every octet': everyOctet,
  }
  for (const [title, value] of Object.entries(spellings)) {
    t.equal(thumbprintOfEscapedPem(value), client.thumbprint, title)
  }
})

t.test('P6: rejects PEM that is not exactly one certificate', async (t) => {
  const pem = client.cert.trim()
  const key = client.key.replaceAll('PRIVATE KEY', 'CERTIFICATE')
  const values = {
    nothing: '',
    'no lines': '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----',
    'two certificates': `${pem}\n${other.cert}`,
    'the same twice': `${pem}\n${pem}`,
    'text before it': `subject=CN = client\n${pem}`,
    'text after it': `${pem}\nend`,
    'a header inside': pem.replace('-----\n', '-----\nProc-Type: 4,ENCRYPTED\n\n'),
    'a key': client.key,
    'a trusted certificate': pem.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE'),
    'another end': pem.replace('END CERTIFICATE', 'END X509 CRL'),
    'no end': pem.slice(0, -30),
    'blanks for line breaks': pem.replaceAll('\n', ' '),
    'blanks on the lines': pem.replaceAll('\n', ' \n'),
    'tabs before the lines, as nginx wrote it once': pem.replaceAll('\n', '\n\t'),
    'lone carriage returns': pem.replaceAll('\n', '\r'),
  }
  rejects(
    t,
    thumbprintOfEscapedPem,
    Object.fromEntries(
      Object.entries(values).map(([title, text]) => [title, encodeURIComponent(text)]),
    ),
  )
  rejects(t, thumbprintOfEscapedPem, {
    'half an octet': `${escaped}%`,
    'no octet': `${escaped}%zz`,
    'no UTF-8': `${escaped}%ff`,
    'encoded twice': encodeURIComponent(escaped),
    'blanks as plus': escaped.replaceAll('%20', '+'),
  })
  t.not(thumbprintOfEscapedPem(encodeURIComponent(key)), client.thumbprint, 'a key with that name')
})

t.test('P6: reads the one element of x-forwarded-client-cert', async (t) => {
  const values = {
    'the hash': `Hash=${hex}`,
    'the hash in quotation marks': `Hash="${hex}"`,
    'in upper case': `HASH=${hex.toUpperCase()}`,
    'the certificate': `Cert="${escaped}"`,
    'both, which agree': `Hash=${hex};Cert="${escaped}"`,
    'all that Envoy writes': `By=spiffe://a/api;Hash=${hex};Cert="${escaped}";Chain="${escaped}${escapedOther}";Subject="CN=client,O=\\"A, B; C=D\\"";URI=spiffe://a/b?c=d;DNS=a.example;DNS=b.example`,
    'names without a value': `By=;Hash=${hex};Subject="";URI=`,
    'a subject that looks like an element': `Hash=${hex};Subject="CN=x,Hash=${otherHex}"`,
    'a subject that looks like a pair': `Hash=${hex};Subject="CN=x;Hash=${otherHex};"`,
    'a subject with quotation marks in it': `Hash=${hex};Subject="CN=\\";Hash=${otherHex};A=\\""`,
    'a subject that ends in a backslash': `Hash=${hex};Subject="CN=x\\\\"`,
    'a name that ends like another': `Hash=${hex};MyHash=${otherHex}`,
  }
  for (const [title, value] of Object.entries(values)) {
    t.equal(thumbprintOfForwardedClientCert(value), client.thumbprint, title)
  }
})

t.test('P6: rejects an ambiguous x-forwarded-client-cert', async (t) => {
  rejects(t, thumbprintOfForwardedClientCert, {
    nothing: '',
    'no pair': hex,
    'neither hash nor certificate': 'By=spiffe://a/api;Subject="CN=client"',
    'the chain alone': `Chain="${escaped}"`,
    'two elements': `Hash=${otherHex},Hash=${hex}`,
    'two elements, the same': `Hash=${hex},Hash=${hex}`,
    'two elements with a blank': `Hash=${hex}, By=b`,
    'an empty element before': `,Hash=${hex}`,
    'an empty element after': `Hash=${hex},`,
    'two hashes': `Hash=${hex};Hash=${otherHex}`,
    'the same hash twice': `Hash=${hex};hash=${hex}`,
    'two certificates': `Cert="${escaped}";Cert="${escapedOther}"`,
    'the same certificate twice': `Cert="${escaped}";Cert="${escaped}"`,
    'a hash and the certificate of another': `Hash=${hex};Cert="${escapedOther}"`,
    'a hash and a certificate that is none': `Hash=${hex};Cert="x"`,
    'a hash and an empty certificate': `Hash=${hex};Cert=`,
    'a certificate and a hash that is none': `Hash=x;Cert="${escaped}"`,
    'certificates in one value': `Cert="${escaped}${escapedOther}"`,
    'a hash that is too short': `Hash=${hex.slice(1)}`,
    'a hash that is too long': `Hash=${hex}0`,
    'a SHA-1 hash': `Hash=${hex.slice(0, 40)}`,
    'a hash in base64url': `Hash=${client.thumbprint}`,
    'a hash with colons': `Hash=${hex.replace(/..(?!$)/g, '$&:')}`,
    'a name of the certificate that goes on with a pair': `Hash=${hex};URI=x;Hash=${otherHex}`,
    'a name of the certificate that goes on with an element': `Hash=${hex};URI=x,Hash=${otherHex}`,
    'a name that quotes what comes after it': `Hash=${hex};URI=x";DNS="`,
    'a quotation that does not end': `Hash=${hex};Subject="CN=client`,
    'a quotation whose end is escaped': `Hash=${hex};Subject="CN=client\\"`,
    'text after a quotation': `Hash=${hex};Subject="CN=client"x`,
    'a semicolon at the end': `Hash=${hex};`,
    'two semicolons': `Hash=${hex};;By=b`,
    'a blank after a semicolon': `Hash=${hex}; By=b`,
    'a blank before': ` Hash=${hex}`,
    'a pair without a name': `=${hex};Hash=${hex}`,
    'a pair without a value': `Hash=${hex};By`,
  })
})

t.test('P6: reads a mutated value as its own certificate or rejects it', async (t) => {
  const sources: readonly [string, Read, string][] = [
    ['base64', thumbprintOfBase64, base64],
    ['client-cert', thumbprintOfClientCert, `:${base64}:`],
    ['pem-escaped', thumbprintOfEscapedPem, escaped],
    [
      'x-forwarded-client-cert',
      thumbprintOfForwardedClientCert,
      `By=spiffe://a;Hash=${hex};Cert="${escaped}";Subject="CN=\\"x\\"";URI=spiffe://b`,
    ],
    ['x-forwarded-client-cert, hash', thumbprintOfForwardedClientCert, `Hash=${hex};DNS=a.example`],
  ]
  for (const [name, read, value] of sources) {
    const random = randomFrom(name)
    let others = 0
    for (let i = 0; i < 4_000; i++) {
      const mutant = mutate(value, random)
      const thumbprint = read(mutant)
      if (thumbprint === undefined || thumbprint === client.thumbprint) continue
      // The bytes were changed; the thumbprint is that of the changed bytes.
      others++
      t.match(thumbprint, /^[\w-]{42}[AEIMQUYcgkosw048]$/, JSON.stringify(mutant))
    }
    t.pass(`${name}: ${others} of 4,000 are another certificate`)
  }
})

// With quadratic time, these values would take hours: the timeout of the file ends the test.
t.test('P6: reads a value of a million characters in linear time', async (t) => {
  const long = 'A'.repeat(1_000_000)
  const values: readonly [Read, string][] = [
    [thumbprintOfBase64, long],
    [thumbprintOfClientCert, `:${long}:`],
    [thumbprintOfEscapedPem, `-----BEGIN%20CERTIFICATE-----%0A${long}`],
    [thumbprintOfEscapedPem, `-----BEGIN%20CERTIFICATE-----%0A${'%0D%0A'.repeat(200_000)}`],
    [thumbprintOfForwardedClientCert, `Subject="${'\\'.repeat(1_000_000)}`],
    [thumbprintOfForwardedClientCert, 'A=;'.repeat(400_000)],
    [thumbprintOfForwardedClientCert, long],
    [thumbprintOfForwardedClientCert, `A="${'\\"'.repeat(500_000)}`],
  ]
  for (const [read, value] of values) t.notOk(read(value))
})

/** A pseudo-random generator with a seed, so that a run can be repeated. */
function randomFrom(seed: string): (below: number) => number {
  let state = [...seed].reduce((sum, character) => sum * 31 + character.charCodeAt(0), 7) >>> 0
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const PIECES = [
  ...',;="\\:% \t\r\n\0Aa0+/-_ÿ',
  '%00',
  '%2C',
  'Hash=',
  '",',
  `Hash=${otherHex}`,
  ':',
]

function mutate(value: string, random: (below: number) => number): string {
  let text = value
  for (let times = 1 + random(3); times > 0; times--) {
    const at = random(text.length + 1)
    const piece = PIECES[random(PIECES.length)] as string
    const kinds = [
      () => text.slice(0, at) + piece + text.slice(at),
      () => text.slice(0, at) + text.slice(at + 1 + random(8)),
      () => text.slice(0, at) + piece + text.slice(at + 1),
      () => text.slice(0, at) + text.slice(random(text.length)),
      () => text.slice(at) + text.slice(0, at),
    ]
    text = (kinds[random(kinds.length)] as () => string)()
  }
  return text
}
