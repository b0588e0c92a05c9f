/**
 * Demonstrates certificate-bound tokens (RFC 8705): a stolen token is useless without the private
 * key of the client's certificate. `npm run example mtls`.
 */
import { createHash, X509Certificate } from 'node:crypto'
import { request } from 'node:https'
import Fastify from 'fastify'
import resourceServer from 'fastify-resource-server'
import { createAuthorizationServer } from 'fastify-resource-server/testing'
import { generate } from 'selfsigned'

interface Certificate {
  cert: string
  key: string
}

const authorizationServer = await createAuthorizationServer()
const server = await selfSigned('localhost')
const client = await selfSigned('client')
const attacker = await selfSigned('attacker')

// The handshake proves that the client has the private key of its certificate. The API does not
// check who issued the certificate: the authorization server bound the token to it (RFC 8705 §6.2).
const app = Fastify({
  https: { ...server, requestCert: true, rejectUnauthorized: false },
})
await app.register(resourceServer, {
  issuer: authorizationServer.issuer,
  audience: 'api://default',
  mtls: 'allowed',
})
app.get('/me', async (request) => ({ user: request.claims.sub }))
app.get('/transfers', { config: { auth: { mtls: 'required' } } }, async () => 'in')
await app.listen()

const bearer = await authorizationServer.issueToken({ sub: 'ada' })
const bound = await authorizationServer.issueToken({
  sub: 'ada',
  cnf: { 'x5t#S256': thumbprint(client) },
})

await show('bound token, its client', '/me', bound, client)
await show('bound token, stolen', '/me', bound, attacker)
await show('bound token, no certificate', '/me', bound)
await show('bound token, mtls required', '/transfers', bound, client)
await show('bearer token, mtls allowed', '/me', bearer, client)
await show('bearer token, mtls required', '/transfers', bearer, client)

await app.close()
await authorizationServer.close()

async function selfSigned(name: string): Promise<Certificate> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
  })
  return { cert, key }
}

/** Returns the SHA-256 thumbprint of a certificate (RFC 8705 §3.1). */
function thumbprint({ cert }: Certificate): string {
  return createHash('sha256').update(new X509Certificate(cert).raw).digest('base64url')
}

function show(what: string, path: string, token: string, certificate?: Certificate): Promise<void> {
  return new Promise((resolve, reject) => {
    request(`${app.listeningOrigin}${path}`, {
      ...certificate,
      ca: server.cert,
      servername: 'localhost',
      headers: { authorization: `Bearer ${token}`, connection: 'close' },
    })
      .on('response', async (response) => {
        const body = Buffer.concat(await response.toArray()).toString()
        console.log(
          what.padEnd(28),
          response.statusCode,
          response.headers['www-authenticate'] ?? body,
        )
        resolve()
      })
      .on('error', reject)
      .end()
  })
}
