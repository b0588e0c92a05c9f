/** What the Fastify plugin takes beside the options of the resource server, and its check. */
import type { FastifyRequest } from 'fastify'
import { booleanOr, functionOrUndefined, reject, requireKnownKeys } from '../base/check.js'
import type { ResourceServerError } from '../errors/errors.js'
import type { IssuerResolver } from '../issuer/issuers-option.js'
import { RESOURCE_SERVER_OPTIONS, type ResourceServerOptions } from '../server/options.js'

/** Options of the plugin. */
export interface PluginOptions extends Omit<ResourceServerOptions, 'logger' | 'issuer'> {
  /**
   * The authorization servers to trust: their names, or objects that say more. At least one. Or a
   * function that says of each issuer that a token names whether it is trusted, for an API with
   * tenants; see {@link IssuerResolver}.
   */
  issuer: Exclude<ResourceServerOptions['issuer'], IssuerResolver> | IssuerResolver<FastifyRequest>

  /**
   * Whether every route of the scope is protected. With `false`, only routes that have
   * `config.auth` are. Default true.
   */
  global?: boolean

  /**
   * Where the token of a request is, in place of the `Authorization` header: a cookie, or
   * `Sec-WebSocket-Protocol`. To look in the header as well, call `bearerToken(request.raw)`. A
   * token in a cookie comes with every request of a browser, so protect against CSRF then.
   * Returns the token, or `undefined` (or `null`) for a request without one.
   */
  extractToken?: (request: FastifyRequest) => string | null | undefined

  /**
   * Told of each refusal, with the reason in full in `error.reason`. For metrics and alerts: what
   * it returns or throws changes nothing about the answer.
   */
  onReject?: (error: ResourceServerError, request: FastifyRequest) => void | Promise<void>
}

const OWN_OPTIONS = [
  'global',
  'extractToken',
  'onReject',
] as const satisfies readonly (keyof PluginOptions)[]

const PLUGIN_OPTIONS = [
  ...RESOURCE_SERVER_OPTIONS.filter((key) => key !== 'logger'),
  ...OWN_OPTIONS,
]

export interface ResolvedPluginOptions {
  readonly global: boolean
  readonly extractToken: PluginOptions['extractToken']
  readonly onReject: PluginOptions['onReject']
  readonly resourceServer: ResourceServerOptions
}

/** @throws {TypeError} that names the option and the fix. */
export function resolvePluginOptions(options: PluginOptions): ResolvedPluginOptions {
  if (Object.hasOwn(options, 'prefix')) {
    reject('prefix', 'has no effect here: register the plugin inside a scope that has the prefix')
  }
  const known = requireKnownKeys('fastify-resource-server', options, PLUGIN_OPTIONS)
  const { global, extractToken, onReject, ...resourceServer } = known
  return {
    global: booleanOr('global', global, true),
    extractToken: functionOrUndefined('extractToken', extractToken),
    onReject: functionOrUndefined('onReject', onReject),
    resourceServer: resourceServer as ResourceServerOptions,
  }
}
