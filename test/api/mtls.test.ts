/** Certificate-bound tokens (RFC 8705 §3), over real connections. */
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import resourceServer, {
  createResourceServer,
  type MtlsOption,
  type PluginOptions,
  type ResourceServerError,
} from '../../src/index.js'
import { makeCertificate } from '../fixtures/certificates.js'
import { bearer, given, tokenOf } from '../fixtures/protected-api.js'
import { rawRequest } from '../fixtures/raw-http.js'
import { overHttp2, TlsClient, type TlsResponse } from '../fixtures/tls-client.js'

const server = await makeCertificate('server')
const client = await makeCertificate('client')
const other = await makeCertificate('other')

const boundTo = ({ thumbprint }: { thumbprint: string }, claims = {}) =>
  tokenOf({ cnf: { 'x5t#S256': thumbprint }, ...claims })
const bound = await boundTo(client)
const unbound = await tokenOf()

const BOUND = 'The access token is bound to a certificate that was not presented'
const REQUIRED = 'A certificate-bound access token is required'
const challenge = (description: string) =>
  `Bearer realm="api", error="invalid_token", error_description="${description}"`

interface Api {
  readonly port: number
  readonly app: FastifyInstance
  /** The rejections, as passed to onReject. */
  readonly rejections: ResourceServerError[]
}

async function listening(
  t: Test,
  mtls: MtlsOption | undefined,
  options: Partial<PluginOptions> = {},
  fastify: object = { https: { ...server, requestCert: true, rejectUnauthorized: false } },
): Promise<Api> {
  const rejections: ResourceServerError[] = []
  const app = Fastify(fastify) as FastifyInstance
  t.teardown(() => app.close())
  await app.register(
    resourceServer,
    given({ ...(mtls && { mtls }), onReject: (error) => void rejections.push(error), ...options }),
  )
  app.get('/', (request) => ({ user: request.claims.sub }))
  await app.listen({ host: '127.0.0.1', port: 0 })
  return { app, rejections: rejections, port: (app.server.address() as AddressInfo).port }
}

function rejectsCertificate(
  t: Test,
  response: TlsResponse | { readonly status: number; readonly headers: object },
  rejections: readonly ResourceServerError[],
  expected: string,
): void {
  t.equal(response.status, 401, expected)
  t.same([(response.headers as Record<string, unknown>)['www-authenticate']].flat(), [
    challenge(BOUND),
  ])
  t.match(rejections.at(-1)?.reason, { check: 'binding', expected })
}

t.test(
  'P6: accepts the holder of the certificate, and no other client with its token',
  async (t) => {
    const { port, rejections } = await listening(t, 'allowed')
    const holder = new TlsClient(t, port, client)
    for (let i = 0; i < 3; i++) {
      const { status, body } = await holder.get(bearer(bound))
      t.equal(status, 200, 'verified, looked up, from the cache')
      t.same(JSON.parse(body), { user: 'user-1' })
    }
    const attacker = new TlsClient(t, port, other)
    const another = await attacker.get(bearer(bound))
    rejectsCertificate(t, another, rejections, 'the certificate that the token is bound to')
    t.equal(rejections.at(-1)?.reason.found, 'another certificate')
    rejectsCertificate(
      t,
      await new TlsClient(t, port).get(bearer(bound)),
      rejections,
      'a client certificate on the TLS connection: the server must request one (requestCert)',
    )
    t.equal(
      (await attacker.get(bearer(await boundTo(other)))).status,
      200,
      'the other client is accepted with its own token',
    )
    t.equal((await attacker.get(bearer(unbound))).status, 200, 'a bearer token')
    t.equal((await holder.get(bearer(bound))).status, 200, 'the holder is still accepted')
  },
)

t.test('P6: an expired certificate proves possession like any other', async (t) => {
  const expired = await makeCertificate('client', { isExpired: true })
  const { port } = await listening(t, 'required')
  const response = await new TlsClient(t, port, expired).get(bearer(await boundTo(expired)))
  t.equal(response.status, 200)
})

t.test('P6: ignores a header of the caller', async (t) => {
  const forged = {
    'client-cert': `:${client.der.toString('base64')}:`,
    'x-forwarded-client-cert': `Hash=${Buffer.from(client.thumbprint, 'base64url').toString('hex')}`,
    'x-ssl-client-cert': encodeURIComponent(client.cert),
    'x-forwarded-for': '10.0.0.7',
    forwarded: 'for=10.0.0.7',
  }
  const direct = await listening(t, 'allowed')
  for (const certificate of [undefined, other]) {
    const response = await new TlsClient(t, direct.port, certificate).get({
      ...bearer(bound),
      ...forged,
    })
    t.equal(response.status, 401)
  }
  for (const header of ['client-cert', 'x-forwarded-client-cert'] as const) {
    const from = { header, trustedProxies: ['10.0.0.7', '::1'] }
    const https = { ...server, requestCert: true, rejectUnauthorized: false }
    // Neither "trustProxy" nor the certificate of the connection makes a sender a trusted proxy.
    const api = await listening(t, { certificateSource: from }, {}, { https, trustProxy: true })
    for (const certificate of [undefined, other, client]) {
      const response = await new TlsClient(t, api.port, certificate).get({
        ...bearer(bound),
        ...forged,
      })
      rejectsCertificate(
        t,
        response,
        api.rejections,
        'a connection from one of "mtls.certificateSource.trustedProxies"',
      )
    }
  }
})

t.test('P6: reads the certificate from the header of a configured proxy', async (t) => {
  const from = { header: 'client-cert' as const, trustedProxies: ['127.0.0.1'] }
  const { port, rejections } = await listening(t, { certificateSource: from }, {}, {})
  const send = (...lines: string[]) =>
    rawRequest(port, { lines: [`authorization: Bearer ${bound}`, ...lines] })
  const header = (der: Buffer) => `Client-Cert: :${der.toString('base64')}:`
  t.equal((await send(header(client.der))).status, 200)
  t.equal((await send(header(client.der), `Client-Cert-Chain: ${header(other.der)}`)).status, 200)

  const table: Record<string, string[]> = {
    'the certificate that the token is bound to': [header(other.der)],
    'the header "mtls.certificateSource.header" from the proxy': [],
    'one header with the certificate, not several': [header(client.der), header(other.der)],
    'one certificate in the header, in the format of "mtls.certificateSource.header"': [
      `${header(client.der)}, :${other.der.toString('base64')}:`,
    ],
  }
  for (const [expected, lines] of Object.entries(table)) {
    rejectsCertificate(t, await send(...lines), rejections, expected)
  }
})

t.test('P6: reads the header of each of two proxies', async (t) => {
  const nginx = await listening(
    t,
    {
      certificateSource: {
        header: { name: 'X-SSL-Client-Cert', format: 'pem-escaped' },
        trustedProxies: ['127.0.0.0/8'],
      },
    },
    {},
    {},
  )
  const envoy = await listening(
    t,
    {
      certificateSource: {
        header: 'x-forwarded-client-cert',
        trustedProxies: ['127.0.0.1', 'fd00::/8'],
      },
    },
    {},
    {},
  )
  const hex = (thumbprint: string) => Buffer.from(thumbprint, 'base64url').toString('hex')
  const write = {
    nginx: (one: typeof client) => `X-SSL-Client-Cert: ${encodeURIComponent(one.cert)}`,
    envoy: (one: typeof client) =>
      `x-forwarded-client-cert: By=spiffe://a;Hash=${hex(one.thumbprint)};Subject="CN=client"`,
  }
  for (const [name, { port }] of Object.entries({ nginx, envoy })) {
    for (const [by, line] of Object.entries(write)) {
      for (const one of [client, other]) {
        const lines = [`authorization: Bearer ${bound}`, line(one)]
        const { status } = await rawRequest(port, { lines })
        t.equal(status, name === by && one === client ? 200 : 401, `${name} ${by}`)
      }
    }
  }
})

t.test('P6: rejects a bound token over plain HTTP', async (t) => {
  const { port, rejections } = await listening(t, 'allowed', {}, {})
  const response = await rawRequest(port, { lines: [`authorization: Bearer ${bound}`] })
  rejectsCertificate(
    t,
    response,
    rejections,
    'a TLS connection, or a proxy in "mtls.certificateSource" that terminates TLS',
  )
  t.equal((await rawRequest(port, { lines: [`authorization: Bearer ${unbound}`] })).status, 200)
})

t.test('P6: rejects a bound token if the option is off, even with its certificate', async (t) => {
  const { port, rejections } = await listening(t, undefined)
  const response = await new TlsClient(t, port, client).get(bearer(bound))
  rejectsCertificate(t, response, rejections, 'a bearer token, because the option "mtls" is off')
})

t.test('P6: rejects a bearer token where a certificate is required', async (t) => {
  const { port, rejections } = await listening(t, 'required')
  const holder = new TlsClient(t, port, client)
  t.equal((await holder.get(bearer(bound))).status, 200)
  const response = await holder.get(bearer(unbound))
  t.equal(response.status, 401)
  t.equal(response.headers['www-authenticate'], challenge(REQUIRED))
  t.match(rejections.at(-1)?.reason, { check: 'binding', expected: '"x5t#S256"' })
  const none = await holder.get()
  t.equal(none.headers['www-authenticate'], 'Bearer realm="api"')
})

t.test('P6: a route overrides the option', async (t) => {
  const app = Fastify({ https: { ...server, requestCert: true, rejectUnauthorized: false } })
  t.teardown(() => app.close())
  await app.register(resourceServer, given({ mtls: 'allowed' }))
  app.get('/required', { config: { auth: { mtls: 'required' } } }, () => 'in')
  app.get('/off', { config: { auth: { mtls: 'off' } } }, () => 'in')
  app.get('/optional', { config: { auth: { optional: true } } }, () => 'in')
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const holder = new TlsClient(t, port, client)
  const attacker = new TlsClient(t, port, other)
  t.equal((await holder.get(bearer(bound), '/required')).status, 200)
  t.equal((await holder.get(bearer(unbound), '/required')).status, 401)
  t.equal((await attacker.get(bearer(bound), '/required')).status, 401)
  t.equal((await holder.get(bearer(bound), '/off')).status, 401)
  t.equal((await holder.get(bearer(unbound), '/off')).status, 200)
  t.equal((await attacker.get(bearer(bound), '/optional')).status, 401)
  t.equal((await attacker.get({}, '/optional')).status, 200)

  const off = Fastify()
  t.teardown(() => off.close())
  await off.register(resourceServer, given())
  t.throws(() => off.get('/', { config: { auth: { mtls: 'required' } } }, () => 'in'), {
    message: 'config.auth.mtls is "required" but the "mtls" option is off: enable it',
  })
})

t.test('P6: requires both proofs of a token bound to a key and a certificate', async (t) => {
  const { port, rejections } = await listening(t, 'allowed', {
    dpop: { baseUrl: 'https://api.example' },
  })
  const jkt = other.thumbprint
  const both = await tokenOf({ cnf: { jkt, 'x5t#S256': client.thumbprint } })
  const holder = new TlsClient(t, port, client)
  t.equal((await holder.get(bearer(both))).status, 401)
  t.equal(rejections.at(-1)?.reason.expected, 'Authorization: DPoP', 'the certificate was valid')
  t.equal((await holder.get({ authorization: `DPoP ${both}` })).status, 401)
  t.equal(rejections.at(-1)?.code, 'invalid_dpop_proof')
  t.equal((await new TlsClient(t, port, other).get({ authorization: `DPoP ${both}` })).status, 401)
  t.equal(rejections.at(-1)?.reason.expected, 'the certificate that the token is bound to')
})

t.test('P6: a certificate-bound token needs no DPoP configuration', async (t) => {
  const from = { header: 'client-cert' as const, trustedProxies: ['192.0.2.1'] }
  // Without "baseUrl", the URL that a DPoP proof must be for is unknown.
  const { app } = await listening(t, { certificateSource: from }, { dpop: 'allowed' }, {})
  const { statusCode } = await app.inject({
    url: '/',
    remoteAddress: '192.0.2.1',
    headers: { ...bearer(bound), 'client-cert': `:${client.der.toString('base64')}:` },
  })
  t.equal(statusCode, 200)
})

t.test('P6: applies over HTTP/2, to each request of a connection', async (t) => {
  const https = { ...server, requestCert: true, rejectUnauthorized: false }
  const { port } = await listening(t, 'allowed', {}, { http2: true, https })
  const requests = [bound, unbound, await boundTo(other)].map(bearer)
  const statuses = async (certificate: typeof client | undefined) =>
    (await overHttp2(port, certificate, requests)).map(({ status }) => status)
  t.same(await statuses(client), [200, 200, 401])
  t.same(await statuses(other), [401, 200, 200])
  t.same(await statuses(undefined), [401, 200, 401])
})

t.test('P6: applies to a resumed connection', async (t) => {
  const { port } = await listening(t, 'required')
  const first = new TlsClient(t, port, client)
  await first.get(bearer(bound))
  t.equal((await first.get(bearer(bound))).status, 200)
  const resumed = new TlsClient(t, port, client, { session: first.session } as object)
  t.equal((await resumed.get(bearer(bound))).status, 200)
  t.equal((await resumed.get(bearer(await boundTo(other)))).status, 401)
})

t.test('P6: rejects a malformed cnf', async (t) => {
  const { port } = await listening(t, 'allowed')
  const holder = new TlsClient(t, port, client)
  const hex = Buffer.from(client.thumbprint, 'base64url').toString('hex')
  const values = [null, '', 1, [client.thumbprint], hex, `${client.thumbprint}=`, 'a'.repeat(43)]
  for (const value of values) {
    const { status } = await holder.get(bearer(await tokenOf({ cnf: { 'x5t#S256': value } })))
    t.equal(status, 401, JSON.stringify(value))
  }
})

t.test('P6: verify() checks the given certificate', async (t) => {
  const { global: _, onReject: __, ...options } = given({ mtls: 'allowed' })
  const api = await createResourceServer(options as never)
  t.teardown(() => api.close())
  await t.resolves(api.verify({ token: bound, certificate: client.der }))
  await t.rejects(api.verify({ token: bound, certificate: other.der }), { message: BOUND })
  await t.rejects(api.verify(bound), { message: BOUND })
})
