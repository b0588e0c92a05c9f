/**
 * Serves the route to which issuers post logout tokens (OpenID Connect Back-Channel Logout 1.0
 * §2.5, §2.8).
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { members, reject } from '../base/check.js'
import {
  type LogoutTokenOptions,
  type ResolvedLogoutTokenOptions,
  resolveLogoutRules,
} from '../security-events/options.js'
import type { ResourceServer } from '../server/resource-server.js'
import { requirePath, serveEventTokens } from './event-token-route.js'
import type { RejectionLog } from './rejection-log.js'

/**
 * Options for the route that receives logout tokens.
 *
 * @example
 * ```ts
 * await app.register(resourceServer, {
 *   issuer,
 *   audience,
 *   backchannelLogout: { path: '/backchannel-logout', clientIds: ['web-app'] },
 * })
 * ```
 */
export interface BackchannelLogoutOptions extends Pick<LogoutTokenOptions, 'revokes' | 'maxAge'> {
  /**
   * The path of the route, such as `/backchannel-logout`, after the prefix of the encapsulation
   * context. The URL of the route is the back-channel logout URI of the clients at the issuer.
   */
  path: string

  /** The client IDs of which `aud` of a logout token must contain one. */
  clientIds: readonly string[]
}

/** Validated {@link BackchannelLogoutOptions} with all defaults. */
export interface ResolvedBackchannelLogout extends ResolvedLogoutTokenOptions {
  readonly path: string
}

/** @throws {TypeError} if an option is invalid; the message names the option and the fix. */
export function resolveBackchannelLogout(
  given: BackchannelLogoutOptions | undefined,
): ResolvedBackchannelLogout | undefined {
  if (given === undefined) return undefined
  const { path, clientIds, revokes, maxAge } = members(
    'backchannelLogout',
    given,
    ['path', 'clientIds', 'revokes', 'maxAge'],
    'must be an object with path and clientIds',
  )
  const usablePath = requirePath('backchannelLogout.path', path, '/backchannel-logout')
  if (!Array.isArray(clientIds)) {
    return reject('backchannelLogout.clientIds', 'must be a non-empty array of client IDs')
  }
  const rules = resolveLogoutRules('backchannelLogout.', 'clientIds', {
    clientIds,
    revokes,
    maxAge,
  })
  return Object.freeze({ path: usablePath, ...rules })
}

/** Declares the route. Resolves once it is declared. */
export async function serveBackchannelLogout(
  fastify: FastifyInstance,
  server: ResourceServer<FastifyRequest>,
  log: RejectionLog,
  { path, clientIds, revokes, maxAge }: ResolvedBackchannelLogout,
): Promise<void> {
  const options = { clientId: [...clientIds], revokes, maxAge }
  await serveEventTokens(fastify, log, {
    path,
    contentType: 'application/x-www-form-urlencoded',
    logPrefix: 'logout token rejected:',
    tokenIn: onlyToken,
    accept: (token, request) => server.revokeByLogoutToken(token, options, request),
    acceptedStatus: 200,
    sendInvalid: (reply, reason) =>
      reply.code(400).send({
        error: 'invalid_request',
        error_description: typeof reason === 'string' ? NOT_ONE_TOKEN : reason.message,
      }),
    unavailableBody: {
      error: 'temporarily_unavailable',
      error_description: 'The logout token cannot be verified now: retry later',
    },
  })
}

const NOT_ONE_TOKEN = 'The body must be form-encoded, with one logout_token'

/** Returns the value of `logout_token` if the form has exactly one. */
function onlyToken(form: string): string | undefined {
  const tokens = new URLSearchParams(form).getAll('logout_token')
  return tokens.length === 1 ? tokens[0] : undefined
}
