/** Resolves the options that the Fastify plugin adds to those of the resource server. */
import type { FastifyRequest } from 'fastify'
import {
  booleanOr,
  functionOrUndefined,
  reject,
  requireKnownKeys,
  requireSynchronous,
} from '../base/check.js'
import type { ResourceServerError } from '../errors/resource-server-error.js'
import type { IssuerResolver } from '../issuer/issuers-option.js'
import { EQUIVALENT_OPTIONS } from '../server/equivalent-options.js'
import { RESOURCE_SERVER_OPTIONS, type ResourceServerOptions } from '../server/options.js'
import {
  type BackchannelLogoutOptions,
  type ResolvedBackchannelLogout,
  resolveBackchannelLogout,
} from './backchannel-logout.js'
import { type RejectionLogMode, resolveLogRejections } from './rejection-log.js'
import {
  divideFeeds,
  type PushedSecurityEventFeed,
  type ResolvedPush,
} from './security-event-push.js'

/**
 * Options of the plugin.
 *
 * @example
 * ```ts
 * await app.register(resourceServer, {
 *   issuer: 'https://login.example.com',
 *   audience: 'https://api.example.com',
 *   onReject: (error) => rejected.inc({ check: error.check }),
 * })
 * ```
 */
export interface PluginOptions
  extends Omit<ResourceServerOptions, 'logger' | 'issuer' | 'securityEvents'> {
  /**
   * The trusted authorization servers: one or more issuer identifiers or objects with options. For
   * multi-tenant APIs, a function that decides whether the issuer of a token is trusted; see
   * {@link IssuerResolver}.
   */
  issuer: Exclude<ResourceServerOptions['issuer'], IssuerResolver> | IssuerResolver<FastifyRequest>

  /**
   * Whether routes without `config.auth` are protected, in the encapsulation context of the plugin.
   * Default true.
   */
  global?: boolean

  /**
   * Returns the token of a request from another source than the `Authorization` header, such as a
   * cookie or `Sec-WebSocket-Protocol`; `undefined`, `null` or `''` if there is no token. Any other
   * value, such as a promise, causes a `TypeError` (500). To read the header as well, call
   * `bearerToken(request.raw)`. A browser sends a cookie with every request, so protect the API
   * against CSRF. Default: the plugin reads the header.
   */
  extractToken?: (request: FastifyRequest) => string | null | undefined

  /**
   * Declares a route that receives logout tokens (OpenID Connect Back-Channel Logout 1.0) and
   * revokes the access tokens of the session or the user. Default: no route.
   */
  backchannelLogout?: BackchannelLogoutOptions

  /**
   * Feeds of security events: transmitters of the Shared Signals Framework that report ended
   * sessions, disabled users and other changes, upon which tokens are revoked. `push` of a feed
   * declares a route for its transmitter (RFC 8935). Default: none.
   */
  securityEvents?: PushedSecurityEventFeed | readonly PushedSecurityEventFeed[]

  /**
   * Called for each request that is rejected with an error of this package, before the error
   * handler of the application runs; for metrics and alerts. `error.reason` has the details. The
   * function is also called for errors of this package that application code throws before the
   * response begins, such as those of `request.requireScope()`. Its result is ignored, and its
   * exception or rejected promise is logged: neither changes the response. Default: none.
   */
  onReject?: (error: ResourceServerError, request: FastifyRequest) => void | Promise<void>

  /**
   * How the plugin logs rejected requests, logout tokens and pushed security event tokens: one line
   * for each at `'info'` or `'debug'`, one line each second with their numbers (`'summary'`), or no
   * line (`false`). With `'summary'`, requests without a token cannot flood the log. The option
   * changes neither counters, channels and `onReject` nor Fastify's own lines for each request
   * (`disableRequestLogging`). Default `'info'`.
   */
  logRejections?: RejectionLogMode
}

const OWN_OPTIONS = [
  'global',
  'extractToken',
  'backchannelLogout',
  'onReject',
  'logRejections',
] as const satisfies readonly (keyof PluginOptions)[]

const PLUGIN_OPTIONS = [
  ...RESOURCE_SERVER_OPTIONS.filter((key) => key !== 'logger'),
  ...OWN_OPTIONS,
]

const EQUIVALENTS: ReadonlyMap<string, string> = new Map([
  ...EQUIVALENT_OPTIONS,
  ['logger', 'the option "logger" of Fastify'],
])

export interface ResolvedPluginOptions {
  readonly global: boolean
  readonly backchannelLogout: ResolvedBackchannelLogout | undefined
  readonly pushes: readonly ResolvedPush[]
  readonly extractToken: PluginOptions['extractToken']
  readonly onReject: PluginOptions['onReject']
  readonly logRejections: RejectionLogMode
  readonly resourceServer: ResourceServerOptions
}

/** @throws {TypeError} if an option is invalid; the message names the option and the fix. */
export function resolvePluginOptions(options: PluginOptions): ResolvedPluginOptions {
  if (Object.hasOwn(options, 'prefix')) {
    reject(
      'prefix',
      'has no effect here: register the plugin in an encapsulation context that has the prefix',
    )
  }
  const known = requireKnownKeys('fastify-resource-server', options, PLUGIN_OPTIONS, EQUIVALENTS)
  const { global, extractToken, backchannelLogout, onReject, logRejections, ...others } = known
  const { securityEvents, ...resourceServer } = others
  requireSynchronous('"extractToken" option', extractToken)
  const logout = resolveBackchannelLogout(backchannelLogout)
  const { feeds, pushes } = divideFeeds(securityEvents, logout?.path)
  return {
    global: booleanOr('global', global, true),
    backchannelLogout: logout,
    pushes,
    extractToken: functionOrUndefined('extractToken', extractToken),
    onReject: functionOrUndefined('onReject', onReject),
    logRejections: resolveLogRejections(logRejections),
    resourceServer: { ...resourceServer, securityEvents: feeds } as ResourceServerOptions,
  }
}
