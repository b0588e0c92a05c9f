/** Serves the routes to which transmitters push security event tokens (RFC 8935). */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isPlainObject, members, reject, strings } from '../base/check.js'
import { ownMember } from '../base/plain-object.js'
import { areEqualThumbprints, sha256 } from '../base/thumbprint.js'
import { type DeliveryError, deliveryErrorOf } from '../security-events/delivery-errors.js'
import type { SecurityEventFeed } from '../security-events/feed-options.js'
import { within } from '../security-events/resolve-feeds.js'
import type { SecurityEvents } from '../security-events/security-events.js'
import { type InvalidReason, requirePath, serveEventTokens } from './event-token-route.js'
import type { RejectionLog } from './rejection-log.js'

/**
 * Options for the route to which the transmitter of a feed pushes security event tokens.
 *
 * @example
 * ```ts
 * const push = { path: '/security-events', authorization: `Bearer ${process.env.PUSH_SECRET}` }
 * ```
 */
export interface SecurityEventPushOptions {
  /**
   * The path of the route, such as `/security-events`, after the prefix of the encapsulation
   * context. Its URL is the `endpoint_url` of the stream at the transmitter. Each feed has its own.
   */
  path: string

  /**
   * The value or values of the request header `Authorization` that are accepted, such as
   * `Bearer 6f0c…`: the `authorization_header` of the stream at the transmitter. An array lets you
   * replace a value. Other requests are rejected before their body is read. Default: the header is
   * not compared, because the signature of the token authenticates the transmitter.
   */
  authorization?: string | readonly string[]
}

/** A feed with a route for its transmitter. */
export interface PushedSecurityEventFeed extends SecurityEventFeed {
  /** Declares a route to which the transmitter pushes security event tokens. Default: no route. */
  push?: SecurityEventPushOptions
}

/** Validated {@link SecurityEventPushOptions}. */
export interface ResolvedPush {
  readonly path: string
  /** Hashes of the accepted values; empty if the header is not compared. */
  readonly authorizations: readonly string[]
  /** Identifier of the transmitter. */
  readonly issuer: string
}

/** The option `securityEvents` of the plugin, divided. */
export interface DividedFeeds {
  /** The option without the members `push`; not validated. */
  readonly feeds: SecurityEventFeed | readonly SecurityEventFeed[] | undefined
  readonly pushes: readonly ResolvedPush[]
}

/**
 * Separates the member `push` of each feed, for which the plugin declares a route, from the members
 * that the resource server validates.
 *
 * @param taken the path of another route of the plugin.
 * @throws {TypeError} if an option of a route is invalid; the message names the option and the fix.
 */
export function divideFeeds(
  given: PushedSecurityEventFeed | readonly PushedSecurityEventFeed[] | undefined,
  taken: string | undefined,
): DividedFeeds {
  const pushes: ResolvedPush[] = []
  const divide = (feed: PushedSecurityEventFeed, name: string): SecurityEventFeed => {
    if (!isPlainObject(feed) || !Object.hasOwn(feed, 'push')) return feed
    const { push, ...rest } = feed
    if (push !== undefined) pushes.push(within(name, () => resolvePush(push, rest.issuer)))
    return rest
  }
  const feeds = Array.isArray(given)
    ? Array.from(given, (feed, at) => divide(feed, `securityEvents[${at}]`))
    : divide(given as PushedSecurityEventFeed, 'securityEvents')
  const paths = [taken, ...pushes.map(({ path }) => path)]
  const duplicate = paths.find((path, at) => path !== undefined && paths.indexOf(path) !== at)
  if (duplicate !== undefined) reject('push.path', `must be a path of its own: ${duplicate}`)
  return { feeds, pushes }
}

function resolvePush(given: unknown, issuer: string): ResolvedPush {
  const { path, authorization } = members(
    'push',
    given as SecurityEventPushOptions,
    ['path', 'authorization'],
    'must be an object with path',
  )
  const values =
    authorization === undefined
      ? []
      : strings('push.authorization', authorization, 'values of the header Authorization')
  if (!values.every((value) => /^[!-~](?:[ -~]*[!-~])?$/.test(value))) {
    reject('push.authorization', 'must be printable ASCII without surrounding spaces')
  }
  return Object.freeze({
    path: requirePath('push.path', path, '/security-events'),
    authorizations: values.map((value) => sha256(value)),
    issuer,
  })
}

/** Declares the routes. Resolves once they are declared. */
export async function serveSecurityEventPush(
  fastify: FastifyInstance,
  events: SecurityEvents,
  log: RejectionLog,
  pushes: readonly ResolvedPush[],
): Promise<void> {
  for (const { path, authorizations, issuer } of pushes) {
    const isAuthenticated = authorizations.length > 0
    await serveEventTokens(fastify, log, {
      path,
      contentType: 'application/secevent+jwt',
      logPrefix: 'security event token rejected:',
      admits: isAuthenticated ? admitting(authorizations) : undefined,
      tokenIn: (body) => (body === '' ? undefined : body),
      accept: (token) => events.receive(token, issuer, events.delivery(isAuthenticated)),
      acceptedStatus: 202,
      sendInvalid,
      unavailableBody: {
        err: 'temporarily_unavailable',
        description: 'The security event token cannot be processed now: send it again later',
      },
    })
  }
}

/** Compares hashes, so that the duration reveals nothing about the accepted values. */
function admitting(accepted: readonly string[]): (request: FastifyRequest) => boolean {
  return ({ headers }) => {
    const found = sha256(ownMember(headers, 'authorization') ?? '')
    return accepted.filter((hash) => areEqualThumbprints(hash, found)).length > 0
  }
}

const ERRORS: Readonly<Record<'body' | 'credentials', DeliveryError>> = {
  body: {
    err: 'invalid_request',
    description: 'The body must be one security event token, as application/secevent+jwt',
  },
  credentials: {
    err: 'authentication_failed',
    description: 'The Authorization header is not that of this stream',
  },
}

/** RFC 8935 §2.3. */
function sendInvalid(reply: FastifyReply, reason: InvalidReason): FastifyReply {
  const error = typeof reason === 'string' ? ERRORS[reason] : deliveryErrorOf(reason)
  return reply.code(400).header('content-language', 'en').send(error)
}
