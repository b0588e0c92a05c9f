/** Compiles the requirements on a valid token into a policy that checks them in a fixed order. */
import type { AccessToken } from '../access-token/access-token.js'
import { requireKnownKeys } from '../base/plain-object.js'
import { BINDING_KEYS, type BindingRequirement } from '../binding/requirement.js'
import { authorizeFailure } from '../errors/application-function.js'
import { InsufficientScopeError } from '../errors/errors.js'
import { type Rejection, unwrap } from '../errors/result.js'
import { type ActorRequirement, compileActor } from './actor-requirement.js'
import {
  type AuthorizationDetailsRequirement,
  compileAuthorizationDetails,
} from './authorization-details-requirement.js'
import { type ClaimRequirement, compileClaims } from './claim-requirement.js'
import {
  type CompiledMembership,
  compileMemberships,
  MEMBERSHIP_KEYS,
  type MembershipRequirement,
} from './membership-requirement.js'
import {
  type AnyScopeRequirement,
  type CompiledScope,
  compileScope,
  insufficientScope,
  lackOfScope,
  type ScopeRequirement,
} from './scope-requirement.js'
import type { Clock } from './step-up.js'
import { compileStepUp, insufficientAuthentication, type StepUpRequirement } from './step-up.js'

/**
 * Requirements on a valid token, which must meet all of them. A token that fails one is rejected
 * with 403 `insufficient_scope` (RFC 6750 §3.1). The exceptions: `acr` and `maxAge` cause a 401
 * `insufficient_user_authentication` (RFC 9470 §3), and `dpop` and `mtls` cause a 401 like an
 * invalid token. `acr` and `maxAge` are checked before the scope, and their challenge also names a
 * missing scope, so that one sign-in fixes both.
 *
 * @typeParam Context the second argument of `authorize`: in a Fastify API, the request.
 *
 * @example
 * ```ts
 * await server.verify(token, {
 *   scope: 'orders:read orders:write',
 *   claims: { tenant: 'acme' },
 * })
 * ```
 */
export interface Requirement<Context = unknown>
  extends MembershipRequirement,
    StepUpRequirement,
    BindingRequirement {
  /**
   * Scope tokens (RFC 6749 §3.3) that must all be granted, or be implied by granted ones
   * (`scopeImplies`): a space-delimited string or a non-empty array.
   *
   * A function decides for each request: it returns a string or an array, or `[]` if the operation
   * requires no scope. In a Fastify API it runs before the body is read, so it can use only headers
   * and the URL. It must not return a promise. If it throws or returns any other value, a request
   * with a valid token gets a 500 with a fixed message, and the log has the error as `cause`; an
   * error of this package is thrown unchanged. Challenges for missing or invalid tokens name the
   * scope that the function returns.
   */
  scope?: ScopeRequirement<Context>

  /**
   * Scope tokens (RFC 6749 §3.3) of which at least one must be granted, or be implied by granted
   * ones: a non-empty array, or a function that returns a non-empty array. The other rules for
   * functions are those of `scope`.
   */
  anyScope?: AnyScopeRequirement<Context>

  /**
   * Required claims, by name or by dotted path into nested objects (`realm_access.roles`). A claim
   * whose name is the whole path takes precedence. The claim must equal the value or, if the claim
   * is an array, contain it. If the requirement is an array of values, one match suffices. A
   * function gets the claim and returns `true` to accept the token.
   */
  claims?: Readonly<Record<string, ClaimRequirement>>

  /**
   * The actors (`act`) that may use the token on behalf of its subject: `'none'`, or an array of
   * actors, each with `subject` or `clientId`, and with `issuer` if it differs from the token's.
   * RFC 8693 §4.1. Default: any actor.
   */
  actor?: ActorRequirement

  /**
   * An element of `authorization_details` that the token must have, or an array of such elements;
   * see {@link AuthorizationDetailRule}. RFC 9396 §9.
   */
  authorizationDetails?: AuthorizationDetailsRequirement<Context>

  /**
   * Decides on anything else. Returns `true`, or a promise of it, to accept the request; any other
   * value rejects it. Called last, and only if the token meets all other requirements.
   *
   * To respond with another status than 403, throw an error of this package, or one with a
   * `statusCode` of 400 to 499: the client sees its message. Any other thrown value causes a 500
   * (or the 5xx of its `statusCode`) with a fixed message, and the log has the thrown value as
   * `cause`.
   */
  authorize?: (token: AccessToken, context: Context) => boolean | Promise<boolean>
}

export const REQUIREMENT_KEYS = [
  'scope',
  'anyScope',
  'acr',
  'maxAge',
  ...MEMBERSHIP_KEYS,
  'claims',
  'actor',
  'authorizationDetails',
  'authorize',
  ...BINDING_KEYS,
] as const satisfies readonly (keyof Requirement)[]

/** A compiled {@link Requirement}. */
export interface Policy<Context> {
  /** The compiled requirement on scope. */
  readonly scope: CompiledScope<Context>
  /** The required types of authorization details (RFC 9396). */
  readonly authorizationDetailsTypes: readonly string[]
  /** The required roles, groups and permissions. */
  readonly memberships: readonly CompiledMembership[]
  /** Whether the policy can reject a valid token with 403. */
  readonly canReturn403: boolean
  /**
   * Checks a verified token, except for its binding.
   *
   * @returns `undefined`, or a promise of it, if the token meets the requirements. Otherwise an
   *   `InsufficientUserAuthenticationError` if the user must authenticate again, or an
   *   `InsufficientScopeError`, or a promise that rejects with it.
   * @throws {Error} if a function of the application throws; see {@link authorizeFailure} for
   *   `authorize`. A returned promise rejects with it instead.
   */
  readonly check: (
    token: AccessToken,
    context: Context,
  ) => Rejection | undefined | Promise<undefined>
}

/**
 * @param metadata the resource identifier of this API; `undefined` without `resourceMetadata`.
 * @throws {TypeError} if a requirement is invalid; the message names the member and the fix.
 */
export function compilePolicy<Context>(
  given: Requirement<Context>,
  clock: Clock,
  metadata: { readonly resource: string } | undefined,
): Policy<Context> {
  const requirement = requireKnownKeys('a requirement', given, REQUIREMENT_KEYS)
  const unset = REQUIREMENT_KEYS.find(
    (key) => Object.hasOwn(requirement, key) && requirement[key] === undefined,
  )
  // Rejects a member that is undefined, because a misspelled property, such as `scopes.raed`, is
  // undefined and would require nothing.
  if (unset !== undefined) throw new TypeError(`"${unset}" is undefined: set it or omit it`)
  const { authorize } = requirement
  const scope = compileScope(requirement)
  const stepUp = compileStepUp(requirement, clock)
  const memberships = compileMemberships(requirement)
  const claims = compileClaims(requirement.claims)
  const acceptsActor = compileActor(requirement.actor)
  const details = compileAuthorizationDetails(requirement.authorizationDetails, metadata?.resource)
  const authorizationDetailsTypes = details?.types ?? []
  if (authorize !== undefined && typeof authorize !== 'function') {
    throw new TypeError(
      '"authorize" must be a function that returns a boolean or a promise of a boolean',
    )
  }
  // Fast path, because most routes accept any valid token.
  if (Object.keys(requirement).length === 0)
    return {
      scope,
      authorizationDetailsTypes,
      memberships,
      canReturn403: false,
      check: () => undefined,
    }
  const checkAuthorized = (authorized: boolean): Rejection | undefined =>
    authorized === true ? undefined : notAllowed('true from "authorize"')
  // Uses `await`, which ignores a patched `then` of a native promise.
  const checkAwaited = async (pending: Promise<boolean>) => {
    let authorized: boolean
    try {
      authorized = await pending
    } catch (thrown) {
      throw authorizeFailure(thrown)
    }
    return unwrap(checkAuthorized(authorized))
  }
  return {
    scope,
    authorizationDetailsTypes,
    memberships,
    canReturn403:
      scope.isDynamic ||
      scope.fixed.scope !== '' ||
      memberships.length > 0 ||
      claims.length > 0 ||
      acceptsActor !== undefined ||
      details !== undefined ||
      authorize !== undefined,
    check(token, context) {
      const required = scope.for(context)
      const lacking = lackOfScope(token, required)
      const failure = stepUp?.(token.claims)
      if (failure !== undefined) {
        return insufficientAuthentication(failure, lacking === undefined ? '' : required.scope)
      }
      if (lacking !== undefined) return insufficientScope(required.scope, lacking)
      const membership = memberships.find(({ holds }) => !holds(token))
      if (membership !== undefined) return notAllowed(membership.expected)
      const unmet = claims.find(({ holds }) => !holds(token.claims))
      if (unmet !== undefined) {
        return notAllowed(`the required claim "${unmet.name}"`)
      }
      if (acceptsActor?.(token) === false) return notAllowed('an accepted actor')
      const unmetType = details?.unmetType(token, context)
      if (unmetType !== undefined) {
        return notAllowed(`an authorization detail of the type "${unmetType}"`)
      }
      if (authorize === undefined) return undefined
      let authorized: boolean | Promise<boolean>
      try {
        authorized = authorize(token, context)
      } catch (thrown) {
        throw authorizeFailure(thrown)
      }
      if (typeof authorized === 'boolean') return checkAuthorized(authorized)
      return checkAwaited(authorized)
    },
  }
}

function notAllowed(expected: string): InsufficientScopeError {
  const reason = { check: 'policy', expected } as const
  return new InsufficientScopeError('The access token does not permit this request', '', reason)
}
