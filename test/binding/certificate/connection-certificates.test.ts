import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createSecureServer, type Http2ServerRequest } from 'node:http2'
import { createServer as createHttpsServer, type ServerOptions } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { connect, type SecureVersion, type TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { ConnectionCertificates } from '../../../src/binding/certificate/connection-certificates.js'
import { makeCertificate } from '../../fixtures/certificates.js'
import { overHttp2, TlsClient } from '../../fixtures/tls-client.js'

const server = await makeCertificate('server')
const client = await makeCertificate('client')
const VERSIONS: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3']
const NONE = 'a client certificate on the TLS connection: the server must request one (requestCert)'

async function listen(t: Test, listening: Server): Promise<number> {
  t.teardown(() => listening.close())
  listening.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  return (listening.address() as AddressInfo).port
}

/** Responds with the client certificate that it reads. */
async function tlsServer(t: Test, options: ServerOptions = {}) {
  const certificates = new ConnectionCertificates()
  const looks: TLSSocket[] = []
  const response: RequestListener = (request, response) => {
    const socket = request.socket as TLSSocket
    response.setHeader('resumed', String(socket.isSessionReused()))
    response.end(JSON.stringify(certificates.certificateOf(request)))
  }
  const listening = createHttpsServer(
    { ...server, requestCert: true, rejectUnauthorized: false, ...options },
    response,
  )
  listening.on('secureConnection', (socket) => {
    const { getPeerX509Certificate } = socket
    socket.getPeerX509Certificate = () => {
      looks.push(socket)
      return getPeerX509Certificate.call(socket)
    }
  })
  return { port: await listen(t, listening), looks }
}

for (const version of VERSIONS) {
  const only = { minVersion: version, maxVersion: version }

  t.test(`P6: reads the certificate of the connection, ${version}`, async (t) => {
    const rsa = await makeCertificate('client', { keyType: 'rsa' })
    const expired = await makeCertificate('client', { isExpired: true })
    const { port } = await tlsServer(t, only)
    for (const one of [client, rsa, expired]) {
      const { body } = await new TlsClient(t, port, one).get()
      t.same(JSON.parse(body), { thumbprint: one.thumbprint })
    }
    t.same(JSON.parse((await new TlsClient(t, port).get()).body), { expected: NONE })
  })

  t.test(`P6: reads a certificate that a CA must have signed, ${version}`, async (t) => {
    const authority = await makeCertificate('authority', { isAuthority: true })
    const signed = await makeCertificate('client', { issuer: authority })
    const { port } = await tlsServer(t, { ...only, ca: authority.cert, rejectUnauthorized: true })
    const chain = { ...signed, cert: `${signed.cert}${authority.cert}` }
    for (const one of [signed, chain]) {
      const { body } = await new TlsClient(t, port, one).get()
      t.same(JSON.parse(body), { thumbprint: signed.thumbprint })
    }
    await t.rejects(
      new TlsClient(t, port, client).get(),
      'the handshake fails without a certificate',
    )
  })

  t.test(`P6: reads the certificate of a resumed connection, ${version}`, async (t) => {
    const { port } = await tlsServer(t, only)
    const first = new TlsClient(t, port, client)
    t.equal((await first.get()).headers.resumed, 'false')
    await first.get()
    t.ok(first.session)
    const { session } = first
    const resumed = new TlsClient(t, port, client, { session } as object)
    const { headers, body } = await resumed.get()
    t.equal(headers.resumed, 'true')
    t.same(JSON.parse(body), { thumbprint: client.thumbprint })

    // A resumed session has the secrets of a connection on which possession of the key was proven.
    const withoutCertificate = new TlsClient(t, port, undefined, { session } as object)
    const other = await withoutCertificate.get()
    t.same(JSON.parse(other.body), { thumbprint: client.thumbprint })
  })
}

t.test('P6: reads the certificate of a connection once', async (t) => {
  const { port, looks } = await tlsServer(t)
  const [one, two] = [new TlsClient(t, port, client), new TlsClient(t, port, client)]
  for (let i = 0; i < 5; i++) {
    for (const kept of [one, two]) {
      t.same(JSON.parse((await kept.get()).body), { thumbprint: client.thumbprint })
    }
  }
  t.equal(looks.length, 2)
  t.equal(new Set(looks).size, 2)
})

t.test('P6: up to TLS 1.2 reads it on each request, because it may be renegotiated', async (t) => {
  const { port, looks } = await tlsServer(t, { maxVersion: 'TLSv1.2' })
  const one = new TlsClient(t, port, client)
  for (let i = 1; i <= 3; i++) {
    t.same(JSON.parse((await one.get()).body), { thumbprint: client.thumbprint })
    t.equal(looks.length, i)
  }
  t.equal(new Set(looks).size, 1)
})

t.test('P6: on HTTP/2, reads it once per connection', async (t) => {
  const certificates = new ConnectionCertificates()
  let looks = 0
  const listening = createSecureServer(
    { ...server, requestCert: true, rejectUnauthorized: false },
    (request: Http2ServerRequest, response) => {
      response.end(JSON.stringify(certificates.certificateOf(request)))
    },
  )
  listening.on('secureConnection', (socket: TLSSocket) => {
    const { getPeerX509Certificate } = socket
    socket.getPeerX509Certificate = () => {
      looks++
      return getPeerX509Certificate.call(socket)
    }
  })
  const port = await listen(t, listening)
  const responses = await overHttp2(port, client, [{}, {}, {}])
  t.equal(responses.length, 3)
  for (const { body } of responses) t.same(JSON.parse(body), { thumbprint: client.thumbprint })
  t.equal(looks, 1)
  const [none] = await overHttp2(port, undefined, [{}])
  t.same(JSON.parse(none?.body ?? ''), { expected: NONE })
})

t.test('P6: finds no certificate on a closed connection', async (t) => {
  const certificates = new ConnectionCertificates()
  const listening = createSecureServer({ ...server, requestCert: true, rejectUnauthorized: false })
  const arrived = once(listening, 'request')
  const port = await listen(t, listening)
  overHttp2(port, client, [{}]).catch(() => {})
  const [request] = (await arrived) as [Http2ServerRequest]
  const { session } = request.stream
  session?.destroy()
  t.notOk(certificates.certificateOf(request).thumbprint)

  const { port: https } = await tlsServer(t)
  const socket = connect({ ...client, port: https, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  socket.destroy()
  t.notOk(certificates.certificateOf({ socket, rawHeaders: [] }).thumbprint)
})

t.test('P6: finds no certificate without TLS, regardless of the headers', async (t) => {
  const certificates = new ConnectionCertificates()
  const listening = createServer((request, response) => {
    response.end(JSON.stringify(certificates.certificateOf(request)))
  })
  const port = await listen(t, listening)
  const response = await fetch(`http://127.0.0.1:${port}`, {
    headers: { 'client-cert': `:${client.der.toString('base64')}:` },
  })
  t.same(await response.json(), {
    expected: 'a TLS connection, or a proxy in "mtls.certificateSource" that terminates TLS',
  })
})
