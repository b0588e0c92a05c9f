/** Augments the types of Fastify. */
import type { AccessToken } from '../access-token/access-token.js'
import type { AccessTokenClaims } from '../access-token/access-token-claims.js'
import type { StepUpRequirement } from '../policy/step-up.js'
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

    /**
     * Requires scope tokens (RFC 6749 §3.3) of this operation, for a route that has several, such
     * as an MCP endpoint or a GraphQL schema. Returns if the token has all of them.
     *
     * An error becomes the response unless the application catches it. The challenge also names the
     * scope of the route, so that one new token satisfies both. Call this before the response
     * begins: later, the status is already sent.
     *
     * @throws {InsufficientScopeError} if the token lacks one: 403 with a challenge (RFC 6750 §3.1).
     * @throws {MissingCredentialsError} on an optional route without a token: 401.
     * @throws {TypeError} (a 500) if the scope tokens are invalid or absent, or if no token was
     *   verified: on an open route, or before the guard ran.
     *
     * @example
     * ```ts
     * app.post('/mcp', async (request) => {
     *   request.requireScope('orders:write')
     *   return 'done'
     * })
     * ```
     */
    requireScope(...tokens: readonly string[]): void

    /**
     * Requires a stronger or more recent authentication of the user for this operation (RFC 9470).
     * Returns if the token has it; see {@link requireScope} for what an error does.
     *
     * @throws {InsufficientUserAuthenticationError} if it does not: 401 with a challenge.
     * @throws {MissingCredentialsError} on an optional route without a token: 401.
     * @throws {TypeError} (a 500) if the requirement is invalid or empty, or no token was verified.
     */
    requireAuthentication(requirement: StepUpRequirement): void
  }

  interface FastifyInstance {
    resourceServer: ResourceServer<FastifyRequest>
  }
}
