import t from 'tap'
import {
  ForwardedCertificates,
  type ForwardedCertificatesOptions,
} from '../../../src/binding/certificate/forwarded-certificates.js'
import { resolveMtls } from '../../../src/binding/certificate/options.js'
import { makeCertificate } from '../../fixtures/certificates.js'

const client = await makeCertificate('client')
const other = await makeCertificate('other')
const value = `:${client.der.toString('base64')}:`

const from = (proxies: string[]) =>
  new ForwardedCertificates(
    resolveMtls({ certificateSource: { header: 'client-cert', trustedProxies: proxies } })
      ?.certificateSource as ForwardedCertificatesOptions,
  )

const request = (remoteAddress: string | undefined, rawHeaders = ['Client-Cert', value]) =>
  ({ socket: { remoteAddress }, rawHeaders }) as never

t.test('P6: reads the header from a trusted proxy only', async (t) => {
  const table: [string[], string | undefined, boolean][] = [
    [['10.0.0.7'], '10.0.0.7', true],
    [['10.0.0.7'], '10.0.0.8', false],
    [['10.0.0.7'], '110.0.0.7', false],
    [['10.0.0.7'], '::ffff:10.0.0.7', true],
    [['10.0.0.7'], '::ffff:a00:7', true],
    [['10.0.0.7'], '::ffff:10.0.0.8', false],
    [['10.0.0.7'], '::10.0.0.7', false],
    [['10.0.0.7'], '64:ff9b::10.0.0.7', false],
    [['10.0.0.7', '192.0.2.1'], '192.0.2.1', true],
    [['10.0.0.0/8'], '10.255.255.255', true],
    [['10.0.0.0/8'], '11.0.0.0', false],
    [['10.1.2.0/23'], '10.1.3.255', true],
    [['10.1.2.0/23'], '10.1.4.0', false],
    [['10.1.2.0/23'], '::ffff:10.1.3.255', true],
    [['10.1.2.3/32'], '10.1.2.4', false],
    [['::1'], '::1', true],
    [['::1'], '0:0:0:0:0:0:0:1', true],
    [['::1'], '127.0.0.1', false],
    [['::1'], '::2', false],
    [['fd00::/8'], 'fdff::1', true],
    [['fd00::/8'], 'fe80::1', false],
    [['fc00::/7'], 'fd00::1', true],
    [['fc00::/7'], '10.0.0.7', false],
    [['2001:DB8::/32'], '2001:db8:ffff::1', true],
    [['2001:db8::1/128'], '2001:db8::2', false],
    [['fe80::/10'], 'fe80::1%eth0', true],
    [['10.0.0.7'], undefined, false],
    [['10.0.0.7'], '', false],
    [['10.0.0.7'], 'localhost', false],
    [['10.0.0.7'], '10.0.0.7 ', false],
  ]
  for (const [proxies, address, isRead] of table) {
    const found = from(proxies).certificateOf(request(address))
    t.equal(found.thumbprint, isRead ? client.thumbprint : undefined, `${proxies} ${address}`)
    if (!isRead)
      t.equal(found.expected, 'a connection from one of "mtls.certificateSource.trustedProxies"')
  }
})

t.test('P6: reads exactly one header, and otherwise states what was expected', async (t) => {
  const certificates = from(['::1'])
  const of = (...rawHeaders: string[]) => certificates.certificateOf(request('::1', rawHeaders))
  for (const name of ['Client-Cert', 'client-cert', 'CLIENT-CERT']) {
    t.equal(of('host', 'a', name, value, 'b', 'c').thumbprint, client.thumbprint, name)
  }
  const chain = `:${other.der.toString('base64')}:`
  t.equal(of('Client-Cert-Chain', chain, 'client-cert', value).thumbprint, client.thumbprint)

  const header = 'the header "mtls.certificateSource.header" from the proxy'
  t.same(of(), { expected: header })
  t.same(of('client_cert', value), { expected: header }, 'another spelling of its name')
  t.same(of('Client-Cert-Chain', value), { expected: header }, 'the chain')
  t.same(of('x', 'client-cert', 'x', value), { expected: header }, 'its name as a value')
  const one = 'one header with the certificate, not several'
  t.same(of('client-cert', value, 'Client-Cert', value), { expected: one })
  t.same(of('client-cert', '', 'Client-Cert', value), { expected: one }, 'one of them is empty')
  const long = `:${'A'.repeat(16_383)}:`
  const bounded = 'at most 16384 characters in the header with the certificate'
  t.same(of('client-cert', long), { expected: bounded })
  const malformed =
    'one certificate in the header, in the format of "mtls.certificateSource.header"'
  t.same(of('client-cert', long.slice(1)), { expected: malformed })
  t.same(of('client-cert', ''), { expected: malformed })
  t.same(of('client-cert', `${value}, ${value}`), { expected: malformed })
})

t.test(
  'P6: accepts an expired certificate, because the proxy checks the validity period',
  async (t) => {
    const expired = await makeCertificate('client', { isExpired: true })
    const sent = ['client-cert', `:${expired.der.toString('base64')}:`]
    t.equal(from(['::1']).certificateOf(request('::1', sent)).thumbprint, expired.thumbprint)
  },
)

t.test('P6: reads each format from the configured header', async (t) => {
  const hex = Buffer.from(client.thumbprint, 'base64url').toString('hex')
  const formats = {
    'x-forwarded-client-cert': `Hash=${hex}`,
    'pem-escaped': encodeURIComponent(client.cert),
    base64: client.der.toString('base64'),
    'client-cert': value,
  }
  for (const [format, text] of Object.entries(formats)) {
    const certificates = new ForwardedCertificates({
      name: 'x-cert',
      format: format as keyof typeof formats,
      proxies: [{ address: '::1', prefix: 128, family: 'ipv6' }],
    })
    t.equal(
      certificates.certificateOf(request('::1', ['X-Cert', text])).thumbprint,
      client.thumbprint,
      format,
    )
    for (const [another, wrong] of Object.entries(formats)) {
      if (another === format) continue
      t.notOk(
        certificates.certificateOf(request('::1', ['X-Cert', wrong])).thumbprint,
        `${another} ${format}`,
      )
    }
  }
})

t.test('P6: reads each value once, unless it is long, and only from a trusted proxy', async (t) => {
  const certificates = from(['::1'])
  const first = certificates.certificateOf(request('::1'))
  t.equal(certificates.certificateOf(request('::1')), first)
  t.equal(certificates.certificateOf(request('::2')).thumbprint, undefined)
  t.equal(certificates.certificateOf(request('::2')).thumbprint, undefined)
  const another = ['client-cert', `:${other.der.toString('base64')}:`]
  t.equal(certificates.certificateOf(request('::1', another)).thumbprint, other.thumbprint)

  const source = { header: 'x-forwarded-client-cert' as const, trustedProxies: ['::1'] }
  const envoy = new ForwardedCertificates(
    resolveMtls({ certificateSource: source })?.certificateSource as ForwardedCertificatesOptions,
  )
  const hash = Buffer.from(client.thumbprint, 'base64url').toString('hex')
  const read = (subject: string) =>
    envoy.certificateOf(
      request('::1', ['x-forwarded-client-cert', `Hash=${hash};Subject="${subject}"`]),
    )
  t.equal(read('short'), read('short'))
  t.not(read('s'.repeat(5_000)), read('s'.repeat(5_000)))
  t.equal(read('s'.repeat(5_000)).thumbprint, client.thumbprint)
})
