/**
 * Declares routes to which issuers and transmitters post tokens about events. Each route has an
 * encapsulated context, so that its content type parser does not affect the application. It needs no
 * access token: the posted token authenticates its sender.
 */
import type {
  FastifyContextConfig,
  FastifyError,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  FastifySchema,
} from 'fastify'
import { reject } from '../base/check.js'
import { ownMember } from '../base/plain-object.js'
import { InvalidTokenError, UnavailableError } from '../errors/errors.js'
import type { RejectionLog, RejectionPrefix } from './rejection-log.js'

/** What differs between the routes. */
export interface EventTokenRoute {
  readonly path: string
  /** The only accepted content type. */
  readonly contentType: string
  readonly logPrefix: RejectionPrefix
  /** Whether the request may be processed; called before the body is read. Default: every request. */
  readonly admits?: ((request: FastifyRequest) => boolean) | undefined
  /** Returns the token in the body; `undefined` unless there is exactly one. */
  readonly tokenIn: (body: string) => string | undefined
  /** Processes a token. Resolves once it may be acknowledged. */
  readonly accept: (token: string, request: FastifyRequest) => Promise<unknown>
  /** Status of the response to an accepted token. */
  readonly acceptedStatus: 200 | 202
  /** Sends the response to an invalid request. */
  readonly sendInvalid: (reply: FastifyReply, reason: InvalidReason) => FastifyReply
  /** Body of the response while the token cannot be processed. */
  readonly unavailableBody: object
}

/** Why a request is invalid: its body, its credentials, or its token. */
export type InvalidReason = 'body' | 'credentials' | InvalidTokenError

const MAX_BODY_BYTES = 16_384
/** Maximum number of tokens in processing per route, because each may wait for keys or a store. */
const MAX_IN_FLIGHT = 200

const CONFIG: FastifyContextConfig = { auth: false }
/** The type declares `hide`, because the type augmentation of `@fastify/swagger` may be absent. */
const HIDDEN: FastifySchema & { readonly hide: boolean } = { hide: true }

/** Returns the path. @throws {TypeError} that names the option if the path is invalid. */
export function requirePath(option: string, path: unknown, example: string): string {
  if (typeof path === 'string' && /^\/[\w\-./~]*$/.test(path)) return path
  return reject(option, `must start with "/" and have no parameters, such as ${example}`)
}

/** Declares the route. Resolves once it is declared. */
export async function serveEventTokens(
  fastify: FastifyInstance,
  log: RejectionLog,
  route: EventTokenRoute,
): Promise<void> {
  const { path, contentType, logPrefix, tokenIn, accept, sendInvalid } = route
  // Read as an own member, because the route of logout tokens has none.
  const admits = ownMember(route, 'admits') ?? (() => true)
  let inFlight = 0
  await fastify.register(async (context) => {
    context.removeAllContentTypeParsers()
    context.addContentTypeParser(
      contentType,
      { parseAs: 'string', bodyLimit: MAX_BODY_BYTES },
      (_request, body, done) => done(null, body),
    )
    context.addHook('onRequest', async (request, reply) => {
      reply.header('cache-control', 'no-store')
      return admits(request) ? undefined : sendInvalid(reply, 'credentials')
    })
    context.setErrorHandler<FastifyError>((error, _request, reply) => {
      // The body is too large, or has another content type or a wrong length.
      if (!String(error.code).startsWith('FST_ERR_CTP_')) throw error
      return sendInvalid(reply, 'body')
    })
    context.post(path, { config: CONFIG, schema: HIDDEN }, async (request, reply) => {
      const token = typeof request.body === 'string' ? tokenIn(request.body) : undefined
      if (token === undefined) return sendInvalid(reply, 'body')
      if (inFlight >= MAX_IN_FLIGHT) return sendUnavailable(reply, route, 1)
      inFlight++
      const accepted = accept(token, request).finally(() => {
        inFlight--
      })
      try {
        await accepted
        return reply.code(route.acceptedStatus).send()
      } catch (error) {
        if (!(error instanceof InvalidTokenError || error instanceof UnavailableError)) throw error
        log.write(error, request, logPrefix)
        if (error instanceof UnavailableError) {
          return sendUnavailable(reply, route, error.retryAfter)
        }
        return sendInvalid(reply, error)
      }
    })
  })
}

function sendUnavailable(
  reply: FastifyReply,
  { unavailableBody }: EventTokenRoute,
  retryAfter: number,
): FastifyReply {
  return reply.code(503).header('retry-after', retryAfter).send(unavailableBody)
}
