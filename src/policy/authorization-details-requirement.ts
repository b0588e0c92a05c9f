/** Compiles the requirement on the authorization details of a token (RFC 9396). */

import type { AccessToken } from '../access-token/access-token.js'
import { type AuthorizationDetail, LIST_MEMBERS } from '../access-token/authorization-details.js'
import { elementsOf, isText, requireSynchronous } from '../base/check.js'
import { isPlainObject, ownMember, requireKnownKeys } from '../base/plain-object.js'
import { applicationFailure } from '../errors/application-function.js'
import { suppressRejection } from '../errors/result.js'

/**
 * An element of `authorization_details` that a token must have. One element must meet all members
 * of this rule; two elements that each meet some of them do not suffice. An element that lacks a
 * member of this rule is not accepted, because its type defines what an absent member means (RFC
 * 9396 §2.2).
 *
 * @typeParam Context the second argument of `check`: in a Fastify API, the request.
 *
 * @example
 * ```ts
 * app.post(
 *   '/payments',
 *   {
 *     config: {
 *       auth: {
 *         authorizationDetails: {
 *           type: 'payment_initiation',
 *           actions: 'initiate',
 *           check: (detail) => detail.currency === 'EUR',
 *         },
 *       },
 *     },
 *   },
 *   handler,
 * )
 * ```
 */
export interface AuthorizationDetailRule<Context = unknown> {
  /** The `type` that the element must have, compared exactly. */
  type: string
  /**
   * Locations that the element must contain: a string or a non-empty array, compared exactly.
   * Default: an element without `locations` is accepted, and an element with `locations` must
   * contain `resourceMetadata.resource`. If that option is absent, an element with `locations` is
   * not accepted, because the locations may be those of another API.
   */
  locations?: string | readonly string[]
  /** Actions that the element must contain: a string or a non-empty array. */
  actions?: string | readonly string[]
  /** Kinds of data that the element must contain: a string or a non-empty array. */
  datatypes?: string | readonly string[]
  /** Privileges that the element must contain: a string or a non-empty array. */
  privileges?: string | readonly string[]
  /** The `identifier` that the element must have, compared exactly. */
  identifier?: string
  /**
   * Decides on the members that the type defines, such as an amount. Returns `true` to accept the
   * element; any other value, such as a promise, does not accept it. Called for each element that
   * meets the other members of this rule, until one is accepted. If the function throws, the
   * response is a 500 with a fixed message, and the log has the thrown value as `cause`; an error
   * of this package is thrown unchanged.
   */
  check?: (detail: AuthorizationDetail, context: Context) => boolean
}

/** An element, or a non-empty array of elements, all of which a token must have. */
export type AuthorizationDetailsRequirement<Context = unknown> =
  | AuthorizationDetailRule<Context>
  | readonly AuthorizationDetailRule<Context>[]

export interface CompiledAuthorizationDetails<Context> {
  /** The required types, for the metadata. */
  readonly types: readonly string[]
  /** Returns the type of the first rule that no element meets; `undefined` if all rules are met. */
  readonly unmetType: (token: AccessToken, context: Context) => string | undefined
}

const KEYS = ['type', ...LIST_MEMBERS, 'identifier', 'check'] as const

/**
 * @param resource the resource identifier of this API; `undefined` without `resourceMetadata`.
 * @returns `undefined` if there is no requirement.
 * @throws {TypeError} if the requirement is invalid; the message names the fix.
 */
export function compileAuthorizationDetails<Context>(
  requirement: AuthorizationDetailsRequirement<Context> | undefined,
  resource: string | undefined,
): CompiledAuthorizationDetails<Context> | undefined {
  if (requirement === undefined) return undefined
  const given = Array.isArray(requirement) ? [...requirement] : [requirement]
  if (given.length === 0) throw invalid()
  const rules = given.map((rule) => compileRule<Context>(rule, resource))
  return {
    types: rules.map(({ type }) => type),
    unmetType: (token, context) =>
      rules.find(
        ({ type, accepts }) =>
          !token.authorizationDetails(type).some((detail) => accepts(detail, context)),
      )?.type,
  }
}

interface CompiledRule<Context> {
  readonly type: string
  readonly accepts: (detail: AuthorizationDetail, context: Context) => boolean
}

function compileRule<Context>(
  given: AuthorizationDetailRule<Context>,
  resource: string | undefined,
): CompiledRule<Context> {
  if (!isPlainObject(given)) throw invalid()
  const rule = requireKnownKeys('an authorization detail', given, KEYS)
  const { type, identifier, check } = rule
  const isUnset = Object.values(rule).includes(undefined)
  const isIdentifier = identifier === undefined || isText(identifier)
  const isCheck = check === undefined || typeof check === 'function'
  if (isUnset || !isText(type) || !isIdentifier || !isCheck) throw invalid()
  requireSynchronous('"check" of "authorizationDetails"', check)
  const lists = LIST_MEMBERS.flatMap((member) => {
    const { [member]: values } = rule
    return values === undefined ? [] : [{ member, values: requireList(values) }]
  })
  const namesLocations = rule.locations !== undefined
  return {
    type,
    accepts: (detail, context) =>
      lists.every(({ member, values }) => containsAll(ownMember(detail, member), values)) &&
      (identifier === undefined || ownMember(detail, 'identifier') === identifier) &&
      (namesLocations || isLocatedAt(ownMember(detail, 'locations'), resource)) &&
      (check === undefined || isAccepted(check, detail, context)),
  }
}

function containsAll(list: readonly string[] | undefined, values: readonly string[]): boolean {
  return list !== undefined && values.every((value) => list.includes(value))
}

function isLocatedAt(locations: readonly string[] | undefined, resource: string | undefined) {
  return locations === undefined || locations.some((location) => location === resource)
}

function isAccepted<Context>(
  check: (detail: AuthorizationDetail, context: Context) => unknown,
  detail: AuthorizationDetail,
  context: Context,
): boolean {
  try {
    return suppressRejection(check(detail, context)) === true
  } catch (thrown) {
    throw applicationFailure('authorizationDetails', thrown)
  }
}

function requireList(values: unknown): readonly string[] {
  const list: readonly unknown[] = elementsOf(values) ?? [values]
  if (list.length === 0 || !list.every(isText)) throw invalid()
  return list as readonly string[]
}

function invalid(): TypeError {
  return new TypeError(
    '"authorizationDetails" must be an object with a "type", or a non-empty array of them, such ' +
      "as { type: 'payment_initiation', actions: 'initiate' }; a list must be a string or a " +
      'non-empty array of strings',
  )
}
