import t from 'tap'
import { createResourceServer, type MtlsOption } from '../../../src/index.js'
import { resolveOptions } from '../../../src/server/options.js'
import { given } from '../../fixtures/protected-api.js'

const resolve = (mtls: unknown) => resolveOptions(given({ mtls: mtls as MtlsOption }) as never).mtls
const forwarded = (source: object) => ({
  certificateSource: { header: 'client-cert', trustedProxies: ['::1'], ...source },
})
const proxies = (...list: unknown[]) => forwarded({ trustedProxies: list })

t.test('P6: is off by default', async (t) => {
  t.equal(resolve(undefined), undefined)
  t.equal(resolve(false), undefined)
})

t.test('P6: accepts a mode, or an object with the source of the certificate', async (t) => {
  t.same(resolve('allowed'), { mode: 'allowed', certificateSource: 'connection' })
  t.same(resolve('required'), { mode: 'required', certificateSource: 'connection' })
  t.same(resolve({}), { mode: 'allowed', certificateSource: 'connection' })
  t.same(resolve({ mode: 'required', certificateSource: 'connection' }), {
    mode: 'required',
    certificateSource: 'connection',
  })
  const given = ['10.0.0.7', 'fd00::/8', '192.0.2.0/24']
  const resolved = resolve({ certificateSource: { header: 'client-cert', trustedProxies: given } })
  given.push('0.0.0.0/0')
  t.same(resolved, {
    mode: 'allowed',
    certificateSource: {
      name: 'client-cert',
      format: 'client-cert',
      proxies: [
        { address: '10.0.0.7', prefix: 32, family: 'ipv4' },
        { address: 'fd00::', prefix: 8, family: 'ipv6' },
        { address: '192.0.2.0', prefix: 24, family: 'ipv4' },
      ],
    },
  })
  t.match(resolve(forwarded({ header: 'x-forwarded-client-cert' })), {
    certificateSource: { name: 'x-forwarded-client-cert', format: 'x-forwarded-client-cert' },
  })
  for (const format of ['pem-escaped', 'base64']) {
    t.match(resolve(forwarded({ header: { name: 'X-SSL-Client-Cert', format } })), {
      certificateSource: { name: 'x-ssl-client-cert', format },
    })
  }
  t.throws(() => Object.assign(resolved as object, { mode: 'x' }), TypeError, 'and is frozen')
  t.throws(
    () => Object.assign(resolved?.certificateSource as object, { trustedProxies: [] }),
    TypeError,
  )
})

t.test('P6: accepts the widest private ranges, and addresses in any notation', async (t) => {
  const good = ['10.0.0.0/8', 'fc00::/7', '127.0.0.1', '::1', '::1/128', '1.2.3.4/32', 'FE80::1/64']
  t.doesNotThrow(() => resolve(proxies(...good)))
})

t.test('each error names the option and the fix', async (t) => {
  const addresses =
    /^"mtls\.certificateSource\.trustedProxies" option must be an array of your proxies' addresses, such/
  const wide =
    /^"mtls\.certificateSource\.trustedProxies" option must list your proxies only, .*: IPv4 ranges of \/8/
  const hidden =
    /^"mtls\.certificateSource\.trustedProxies" option must not list IPv4 addresses in IPv6 notation: write 10\.0\.0\.7, which also matches/
  const header =
    /^"mtls\.certificateSource\.header" option must be 'client-cert', 'x-forwarded-client-cert', or/
  const named = (rest: object) => forwarded({ header: { name: 'x', format: 'base64', ...rest } })
  const rows: [unknown, RegExp][] = [
    [
      true,
      /^"mtls" option must be 'allowed' \(bearer tokens as well\), 'required' \(tokens with a certificate only\), false, or an object such as \{ mode: 'required' \}$/,
    ],
    [null, /^"mtls" option must be 'allowed'/],
    ['optional', /^"mtls" option must be 'allowed'/],
    [['allowed'], /^"mtls" option must be 'allowed'/],
    [
      { header: 'client-cert' },
      /^Unknown option "header" of "mtls"\..* Known: mode, certificateSource$/,
    ],
    [{ mode: 'off' }, /^"mtls\.mode" option must be 'allowed' or 'required'/],
    [{ mode: true }, /^"mtls\.mode" option must be 'allowed' or 'required'/],
    [
      { certificateSource: 'header' },
      /^"mtls\.certificateSource" option must be 'connection', or an object with "header"/,
    ],
    [{ certificateSource: null }, /^"mtls\.certificateSource" option must be 'connection'/],
    [{ certificateSource: [] }, /^"mtls\.certificateSource" option must be 'connection'/],
    [
      forwarded({ proxy: '::1' }),
      /^Unknown option "proxy" of "mtls\.certificateSource"\..* Known: header, trustedProx/,
    ],
    [{ certificateSource: { trustedProxies: ['::1'] } }, header],
    [forwarded({ header: 'X-SSL-Client-Cert' }), header],
    [forwarded({ header: 'Client-Cert' }), header],
    [forwarded({ header: ['client-cert'] }), header],
    [
      named({ trim: true }),
      /^Unknown option "trim" of "mtls\.certificateSource\.header"\..* Known: name, format/,
    ],
    [
      named({ name: undefined }),
      /^"mtls\.certificateSource\.header\.name" option must be the name of a header/,
    ],
    [named({ name: '' }), /^"mtls\.certificateSource\.header\.name" option/],
    [named({ name: 'x y' }), /^"mtls\.certificateSource\.header\.name" option/],
    [named({ name: 'x:' }), /^"mtls\.certificateSource\.header\.name" option/],
    [named({ name: ['x'] }), /^"mtls\.certificateSource\.header\.name" option/],
    [
      named({ format: undefined }),
      /^"mtls\.certificateSource\.header\.format" option must be 'pem-escaped' or/,
    ],
    [named({ format: 'pem' }), /^"mtls\.certificateSource\.header\.format" option/],
    [named({ format: 'client-cert' }), /^"mtls\.certificateSource\.header\.format" option/],
    [{ certificateSource: { header: 'client-cert' } }, addresses],
    [proxies(), addresses],
    [forwarded({ trustedProxies: '10.0.0.7' }), addresses],
    [forwarded({ trustedProxies: true }), addresses],
    [forwarded({ trustedProxies: 1 }), addresses],
    [proxies('10.0.0.7', ''), addresses],
    [proxies('10.0.0.7', undefined), addresses],
    [proxies('localhost'), addresses],
    [proxies('loopback'), addresses],
    [proxies('*'), addresses],
    [proxies('10.0.0'), addresses],
    [proxies('10.0.0.256'), addresses],
    [proxies('010.0.0.7'), addresses],
    [proxies('10.0.0.7/33'), addresses],
    [proxies('10.0.0.7/'), addresses],
    [proxies('10.0.0.7/08'), addresses],
    [proxies('10.0.0.7/255.255.255.0'), addresses],
    [proxies('10.0.0.7/-1'), addresses],
    [proxies('10.0.0.7:443'), addresses],
    [proxies(' 10.0.0.7'), addresses],
    [proxies('10.0.0.7,10.0.0.8'), addresses],
    [proxies('[::1]'), addresses],
    [proxies('::1/129'), addresses],
    [proxies('fe80::1%eth0'), addresses],
    [proxies('0.0.0.0/0'), wide],
    [proxies('10.0.0.7', '0.0.0.0/0'), wide],
    [proxies('0.0.0.0/1', '128.0.0.0/1'), wide],
    [proxies('10.0.0.0/7'), wide],
    [proxies('::/0'), wide],
    [proxies('2000::/3'), wide],
    [proxies('::/8'), hidden],
    [proxies('::/80'), hidden],
    [proxies('::ffff:0:0/96'), hidden],
    [proxies('::ffff:0.0.0.0/97'), hidden],
    [proxies('0:0:0:0:0:ffff:128.0.0.0/97'), hidden],
    [proxies('::ffff:10.0.0.7'), hidden],
  ]
  for (const [mtls, message] of rows) {
    t.throws(() => resolve(mtls), { name: 'TypeError', message }, JSON.stringify(mtls))
  }
})

t.test('rejects an invalid option when the server is created', async (t) => {
  const options = { ...given(), issuer: 'https://issuer.example', mtls: 'sometimes' }
  await t.rejects(createResourceServer(options as never), TypeError)
})
