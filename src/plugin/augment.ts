/** What the plugin adds to Fastify's types. */
import type { AccessToken } from '../access-token/access-token.js'
import type { AccessTokenClaims } from '../access-token/access-token-claims.js'
import type { ResourceServer } from '../server/resource-server.js'
import type { RouteRequirement } from './route-guard.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * `false`: open to everybody. An object: what the route asks of a token. `true`: any valid
     * token, which is also what a route that says nothing asks for unless `global` is false.
     */
    auth?: boolean | RouteRequirement
  }

  interface FastifyRequest {
    /** The verified access token; `null` on open routes, and on optional ones without a token. */
    auth: AccessToken | null

    /**
     * The claims of the verified token, frozen.
     *
     * @throws {TypeError} (a 500) on a request that carried no verified token, so that a route that
     *   was left open by mistake doesn't go on with an `undefined` user.
     */
    readonly claims: AccessTokenClaims
  }

  interface FastifyInstance {
    resourceServer: ResourceServer<FastifyRequest>
  }
}
