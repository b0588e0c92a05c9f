/** Augments the types of Fastify with `config.auth` and with the decorators of the plugin. */
import type { AccessToken } from '../access-token/access-token.js'
import type { AccessTokenClaims } from '../access-token/access-token-claims.js'
import type { StepUpRequirement } from '../policy/step-up.js'
import type { ResourceServer } from '../server/resource-server.js'
import type { UnknownRequirements } from './equivalent-requirements.js'
import type { RouteRequirement } from './route-guard.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * Access to the route. `false` leaves the route open. `true` requires any valid access token.
     * An object requires a token that also meets the requirements in it. Default: the option
     * `global`, which is `true` by default.
     */
    auth?: boolean | (RouteRequirement & UnknownRequirements)
  }

  interface FastifyRequest {
    /**
     * The verified access token; `null` on an open route, and on an optional route if the request
     * has no token.
     */
    auth: AccessToken | null

    /**
     * The verified access token: {@link auth} for handlers that require one.
     *
     * @throws {TypeError} (a 500) if the request has no verified token, as {@link claims} does.
     */
    readonly token: AccessToken

    /**
     * The claims of the verified token, deeply frozen.
     *
     * @throws {TypeError} (a 500) if the request has no verified token. Otherwise a handler of a
     *   route that was left open by mistake would continue with an `undefined` user.
     */
    readonly claims: AccessTokenClaims

    /**
     * Requires scope tokens (RFC 6749 §3.3) for one operation, on a route with several operations,
     * such as an MCP endpoint or a GraphQL schema. Returns if the access token has all of them.
     *
     * An error becomes the response unless the application catches it. The challenge also names the
     * scope of the route, so that one new access token satisfies both. Call this method before the
     * response begins, because the status cannot change afterwards.
     *
     * @throws {InsufficientScopeError} (a 403 with a challenge, RFC 6750 §3.1) if the access token
     *   lacks a scope token.
     * @throws {MissingCredentialsError} (a 401) if a request to an optional route has no access
     *   token.
     * @throws {TypeError} (a 500) if the scope tokens are invalid or absent, or if no access token
     *   was verified, because the route is open or its guard has not run yet.
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
     * Requires a stronger or more recent authentication of the user for one operation (RFC 9470).
     * Returns if the access token meets the requirement. An error becomes the response, as with
     * {@link requireScope}.
     *
     * @throws {InsufficientUserAuthenticationError} (a 401 with a challenge) if the access token
     *   does not meet the requirement.
     * @throws {MissingCredentialsError} (a 401) if a request to an optional route has no access
     *   token.
     * @throws {TypeError} (a 500) if the requirement is invalid or empty, or no access token was
     *   verified.
     */
    requireAuthentication(requirement: StepUpRequirement): void
  }

  interface FastifyInstance {
    resourceServer: ResourceServer<FastifyRequest>
  }
}
