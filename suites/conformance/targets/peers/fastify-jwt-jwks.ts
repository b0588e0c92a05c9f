/** fastify-jwt-jwks: verifies signature, issuer and audience of a JWT, but no scope. */
import type { FastifyInstance } from 'fastify'
import type { Feature } from '../../check.js'
import { packageNamed } from '../package-name.js'
import type { Peer } from '../peers.js'
import type { TargetOptions } from '../target.js'

const FEATURES: readonly Feature[] = [
  'jwt',
  'credentials',
  'bearer',
  'restart',
  'dpop-off',
  'mtls-off',
  'encrypted-off',
]

export const fastifyJwtJwks: Peer = {
  packages: ['fastify-jwt-jwks@3', 'fastify@5'],
  targets: (require) => [
    {
      name: packageNamed(require, 'fastify-jwt-jwks'),
      features: new Set(FEATURES),
      start: (trusted) => start(require, trusted, {}),
    },
    {
      // Options of fast-jwt, the underlying verifier.
      name: packageNamed(require, 'fastify-jwt-jwks', 'checkTyp'),
      features: new Set<Feature>([...FEATURES, 'strict']),
      start: (trusted) =>
        start(require, trusted, {
          checkTyp: 'at+jwt',
          requiredClaims: ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti'],
        }),
    },
  ],
}

async function start(
  require: NodeJS.Require,
  { issuer, audience, jwksUri }: TargetOptions,
  options: object,
) {
  const app: FastifyInstance = require('fastify')()
  await app.register(require('fastify-jwt-jwks'), {
    jwksUrl: jwksUri,
    issuer,
    audience,
    // An option of @fastify/jwt, to which the README of fastify-jwt-jwks refers.
    requiredClaims: ['exp', 'iss', 'aud'],
    ...options,
  })
  app.addHook('onRequest', (app as unknown as { authenticate: never }).authenticate)
  app.get('/', async () => ({ ok: true }))
  app.post('/', async () => ({ ok: true }))
  app.addContentTypeParser('application/x-www-form-urlencoded', (_request, payload, done) => {
    payload.resume().once('end', () => done(null, {}))
  })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  return { url, close: () => app.close() }
}
