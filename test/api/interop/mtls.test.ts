/** Certificate-bound tokens of oidc-provider (RFC 8705 §3). */
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import resourceServer from '../../../src/index.js'
import { makeCertificate } from '../../fixtures/certificates.js'
import { TlsClient } from '../../fixtures/tls-client.js'
import {
  API_CLIENT,
  CERTIFICATE_HEADER,
  CERTIFIED_MACHINE,
  RESOURCE,
  startOidcProvider,
} from './fixtures/oidc-provider.js'

const server = await makeCertificate('server')
const owner = await makeCertificate('owner')
const attacker = await makeCertificate('attacker')

async function boundToken(issuer: string, certificate: string): Promise<string> {
  const { client_id, client_secret } = CERTIFIED_MACHINE
  const credentials = [client_id, client_secret].map(encodeURIComponent).join(':')
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
      [CERTIFICATE_HEADER]: encodeURIComponent(certificate),
    },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'orders:read' }),
  })
  const { access_token: token } = (await response.json()) as { access_token: string }
  return token
}

for (const accessTokenFormat of ['jwt', 'opaque'] as const) {
  t.test(
    `P6: verifies the certificate binding of an oidc-provider token, ${accessTokenFormat}`,
    async (t) => {
      const { issuer } = await startOidcProvider(t, { algorithm: 'ES256', accessTokenFormat })
      const https = { ...server, requestCert: true, rejectUnauthorized: false }
      const app = Fastify({ https }) as unknown as FastifyInstance
      t.teardown(() => app.close())
      await app.register(resourceServer, {
        issuer,
        audience: RESOURCE,
        mtls: 'required',
        ...(accessTokenFormat === 'opaque' && { introspection: API_CLIENT }),
      })
      app.get('/', async ({ auth }) => auth?.confirmation)
      await app.listen({ host: '127.0.0.1', port: 0 })
      const { port } = app.server.address() as AddressInfo
      const authorization = `Bearer ${await boundToken(issuer, owner.cert)}`
      const good = await new TlsClient(t, port, owner).get({ authorization })
      t.equal(good.status, 200)
      t.strictSame(JSON.parse(good.body), { 'x5t#S256': owner.thumbprint })
      for (const certificate of [attacker, undefined]) {
        const bad = await new TlsClient(t, port, certificate).get({ authorization })
        t.equal(bad.status, 401)
        t.match(bad.headers['www-authenticate'], /error="invalid_token".*was not presented"$/)
      }
    },
  )
}
