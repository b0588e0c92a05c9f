/** Augments the types of Fastify. */
import type { AccessToken } from '../access-token/access-token.js'
import type { AccessTokenClaims } from '../access-token/access-token-claims.js'
import type { ResourceServer } from '../server/resource-server.js'
import type { RouteRequirement } from './route-guard.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * `false`: the route is open. An object: the requirements of the route. `true`: any valid
     * token, which is also the default unless `global` is false.
     */
    auth?: boolean | RouteRequirement
  }

  interface FastifyRequest {
    /** The verified access token; `null` on open routes and on optional ones without a token. */
    auth: AccessToken | null

    /**
     * The claims of the verified token, frozen.
     *
     * @throws {TypeError} (a 500) if the request has no verified token, so that a route left open
     *   by mistake does not continue with an `undefined` user.
     */
    readonly claims: AccessTokenClaims
  }

  interface FastifyInstance {
    resourceServer: ResourceServer<FastifyRequest>
  }
}
