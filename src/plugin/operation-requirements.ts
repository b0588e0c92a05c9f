/**
 * Checks the requirements of one operation, which application code states while it handles a
 * request, because an MCP endpoint or a GraphQL schema has many operations under one route. A
 * rejection also names the scope of the route, so that the client's next token satisfies both.
 */
import type { FastifyRequest } from 'fastify'
import { requireKnownKeys } from '../base/plain-object.js'
import { MissingCredentialsError } from '../errors/errors.js'
import type { ResourceServerError } from '../errors/resource-server-error.js'
import { publish } from '../observability/diagnostics.js'
import {
  compileScope,
  insufficientScope,
  lackOfScope,
  scopeForChallenge,
  scopeTokens,
} from '../policy/scope-requirement.js'
import {
  compileStepUp,
  insufficientAuthentication,
  type StepUpRequirement,
} from '../policy/step-up.js'
import type { Core } from '../server/assembly.js'
import { RouteChallenges } from '../server/route-challenges.js'
import type { RequestCredentials } from './request-credentials.js'
import type { RouteGuard, RouteGuards } from './route-guard.js'

export class OperationRequirements {
  readonly #core: Core
  readonly #guards: RouteGuards
  readonly #credentials: RequestCredentials

  constructor(core: Core, guards: RouteGuards, credentials: RequestCredentials) {
    this.#core = core
    this.#guards = guards
    this.#credentials = credentials
  }

  /** Implements `request.requireScope()`. */
  requireScope(request: FastifyRequest, tokens: readonly string[]): void {
    const { auth } = request
    const isValid = tokens.length > 0 && tokens.every((token) => typeof token === 'string')
    if (isValid && auth?.hasScope(...tokens)) return
    const guard = this.#guardOf(request, 'requireScope')
    const required = compileScope({ scope: scopeTokens('requireScope', tokens) }).fixed
    const routeScope = scopeForChallenge(guard.policy.scope, request)
    const scope = [...new Set([routeScope, ...tokens].join(' ').trim().split(' '))].join(' ')
    const lacking = auth === null ? undefined : lackOfScope(auth, required)
    const error = lacking === undefined ? undefined : insufficientScope(scope, lacking)
    this.#reject(error ?? new MissingCredentialsError(guard.schemes), guard, request, { scope })
  }

  /** Implements `request.requireAuthentication()`. */
  requireAuthentication(request: FastifyRequest, requirement: StepUpRequirement): void {
    const known = requireKnownKeys('requireAuthentication()', requirement, ['acr', 'maxAge'])
    const stepUp = compileStepUp(known, this.#core.clock)
    if (stepUp === undefined) {
      throw new TypeError('requireAuthentication() requires nothing: set "acr" or "maxAge"')
    }
    const { auth } = request
    const failure = auth === null ? undefined : stepUp(auth.claims)
    if (auth !== null && failure === undefined) return
    const guard = this.#guardOf(request, 'requireAuthentication')
    const error = failure === undefined ? undefined : insufficientAuthentication(failure, '')
    const scope = scopeForChallenge(guard.policy.scope, request)
    this.#reject(error ?? new MissingCredentialsError(guard.schemes), guard, request, {
      ...(scope !== '' && { scope }),
    })
  }

  /**
   * Returns the guard of the route.
   *
   * @throws {TypeError} if the route is open, or if its guard has not admitted the request yet.
   */
  #guardOf(request: FastifyRequest, method: string): RouteGuard {
    const { config, schema } = request.routeOptions
    const guard = this.#guards.guardFor(config, schema)
    if (guard !== undefined && (guard.optional || request.auth !== null)) return guard
    throw new TypeError(
      `request.${method}() was called on a request without a verified access token. Protect the ` +
        'route (remove auth: false or, with global: false, set config.auth), or call it after the onRequest hooks',
    )
  }

  #reject(
    error: ResourceServerError,
    { binding }: RouteGuard,
    request: FastifyRequest,
    scope: { readonly scope?: string },
  ): never {
    const challenges = new RouteChallenges(this.#core, binding, compileScope(scope))
    error.headers = challenges.headersFor(error, request, () =>
      this.#credentials.schemeUsed(request),
    )
    this.#core.counters.reject(error.code)
    publish('token:reject', { error, context: request })
    throw error
  }
}
