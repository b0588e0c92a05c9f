/**
 * Serves the route to which issuers post logout tokens (OpenID Connect Back-Channel Logout 1.0
 * §2.5, §2.8). Its context is encapsulated, so that its content type parser does not affect the
 * application.
 */
import type {
  FastifyContextConfig,
  FastifyError,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  FastifySchema,
} from 'fastify'
import { members, reject } from '../base/check.js'
import { InvalidTokenError, type ResourceServerError, UnavailableError } from '../errors/errors.js'
import { logSafely } from '../observability/safe-logger.js'
import {
  type LogoutTokenOptions,
  type ResolvedLogoutTokenOptions,
  resolveLogoutRules,
} from '../security-events/options.js'
import type { ResourceServer } from '../server/resource-server.js'

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
  if (typeof path !== 'string' || !/^\/[\w\-./~]*$/.test(path)) {
    return reject(
      'backchannelLogout.path',
      'must start with "/" and have no parameters, such as /backchannel-logout',
    )
  }
  if (!Array.isArray(clientIds)) {
    return reject('backchannelLogout.clientIds', 'must be a non-empty array of client IDs')
  }
  const rules = resolveLogoutRules('backchannelLogout.', 'clientIds', {
    clientIds,
    revokes,
    maxAge,
  })
  return Object.freeze({ path, ...rules })
}

const MAX_BODY_BYTES = 16_384
/** Maximum number of logout tokens in verification, because each may wait for keys or a store. */
const MAX_IN_FLIGHT = 100

/** The route needs no access token: the logout token authenticates the issuer. */
const CONFIG: FastifyContextConfig = { auth: false }
/** The type declares `hide`, because the type augmentation of `@fastify/swagger` may be absent. */
const HIDDEN: FastifySchema & { readonly hide: boolean } = { hide: true }

/** Declares the route. Resolves once it is declared. */
export async function serveBackchannelLogout(
  fastify: FastifyInstance,
  server: ResourceServer<FastifyRequest>,
  { path, clientIds, revokes, maxAge }: ResolvedBackchannelLogout,
): Promise<void> {
  const options = { clientId: [...clientIds], revokes, maxAge }
  let inFlight = 0
  await fastify.register(async (context) => {
    context.removeAllContentTypeParsers()
    context.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: MAX_BODY_BYTES },
      (_request, body, done) => done(null, body),
    )
    context.addHook('onRequest', async (_request, reply) => {
      reply.header('cache-control', 'no-store')
    })
    context.setErrorHandler<FastifyError>((error, _request, reply) => {
      // The body is too large, or has another content type or a wrong length.
      if (!String(error.code).startsWith('FST_ERR_CTP_')) throw error
      return sendInvalidRequest(reply, NOT_ONE_TOKEN)
    })
    context.post(path, { config: CONFIG, schema: HIDDEN }, async (request, reply) => {
      const token = onlyToken(request.body)
      if (token === undefined) return sendInvalidRequest(reply, NOT_ONE_TOKEN)
      if (inFlight >= MAX_IN_FLIGHT) return sendUnavailable(reply, 1)
      inFlight++
      const verified = server.revokeByLogoutToken(token, options, request).finally(() => {
        inFlight--
      })
      try {
        await verified
        return reply.send()
      } catch (error) {
        if (!(error instanceof InvalidTokenError || error instanceof UnavailableError)) throw error
        log(request, error)
        if (error instanceof UnavailableError) return sendUnavailable(reply, error.retryAfter)
        return sendInvalidRequest(reply, error.message)
      }
    })
  })
}

const NOT_ONE_TOKEN = 'The body must be form-encoded, with one logout_token'

/** Returns the value of `logout_token` if the form has exactly one. */
function onlyToken(body: unknown): string | undefined {
  if (typeof body !== 'string') return undefined
  const tokens = new URLSearchParams(body).getAll('logout_token')
  return tokens.length === 1 ? tokens[0] : undefined
}

function sendInvalidRequest(reply: FastifyReply, description: string): FastifyReply {
  return reply.code(400).send({ error: 'invalid_request', error_description: description })
}

function sendUnavailable(reply: FastifyReply, retryAfter: number): FastifyReply {
  return reply.code(503).header('retry-after', retryAfter).send({
    error: 'temporarily_unavailable',
    error_description: 'The logout token cannot be verified now: retry later',
  })
}

function log(request: FastifyRequest, { check, expected, message }: ResourceServerError): void {
  logSafely(request.log, 'info', { check, expected }, `logout token rejected: ${message}`)
}
