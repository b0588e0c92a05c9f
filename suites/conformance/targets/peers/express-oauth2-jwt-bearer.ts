/** express-oauth2-jwt-bearer, Auth0's middleware: as in its README, and with all its checks. */
import { once } from 'node:events'
import type { IncomingMessage, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Feature } from '../../check.js'
import { packageNamed } from '../package-name.js'
import type { Peer } from '../peers.js'
import { type RunningApi, SCOPE, type TargetOptions } from '../target.js'

const NAME = 'express-oauth2-jwt-bearer'
const COMMON: readonly Feature[] = [
  'encrypted-off',
  'jwt',
  'credentials',
  'bearer',
  'es256',
  'scope',
  'discovery',
  'restart',
]

type Middleware = (request: unknown, response: unknown, next: unknown) => void

interface App {
  use(middleware: Middleware): void
  get(path: string, ...handlers: unknown[]): void
  post(path: string, ...handlers: unknown[]): void
  listen(port: number, host: string): Server
}

export const expressOauth2JwtBearer: Peer = {
  packages: [`${NAME}@1`, 'express@5'],
  targets: (require) => [
    {
      name: packageNamed(require, NAME),
      // DPoP is allowed by default.
      features: new Set<Feature>([...COMMON, 'dpop', 'mtls-off']),
      start: (trusted) => start(require, trusted, {}),
    },
    {
      name: packageNamed(require, NAME, 'strict, mTLS'),
      features: new Set<Feature>([...COMMON, 'dpop', 'strict', 'mtls']),
      start: (trusted) => start(require, trusted, { strict: true, getCertificate }),
    },
  ],
}

async function start(
  require: NodeJS.Require,
  { issuer, audience, hasShortTimeout: isImpatient }: TargetOptions,
  options: object,
): Promise<RunningApi> {
  const { auth, requiredScopes } = require(NAME)
  const app: App = require('express')()
  app.use(
    auth({
      issuerBaseURL: issuer,
      audience,
      ...(isImpatient && { timeoutDuration: 1_000 }),
      ...options,
    }),
  )
  const handler = (_request: unknown, response: { json(body: object): void }) =>
    response.json({ ok: true })
  app.get('/', handler)
  app.post('/', handler)
  app.get('/orders', requiredScopes(SCOPE), handler)
  // Otherwise Express writes the stack trace to the response and to standard error.
  app.use(((
    error: Error & { status?: number; headers?: object },
    _request: unknown,
    response: Out,
    _next: unknown,
  ) =>
    response
      .status(error.status ?? 500)
      .set(error.headers ?? {})
      .end()) as never)
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}

interface Out {
  status(code: number): Out
  set(headers: object): Out
  end(): void
}

/** Reads the certificate from the `Client-Cert` header (RFC 9440); the package leaves this to the API. */
function getCertificate({ headers }: IncomingMessage): Buffer | undefined {
  const [, base64] = /^:([\w+/=]+):$/.exec(`${headers['client-cert'] ?? ''}`) ?? []
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64')
}
