/**
 * Converts the arguments of one exchange to the parameters of the token request, in a canonical
 * order, so that equal requests share one cache entry. The parameters lack the subject token and
 * the client authentication.
 */

import { canParseUrl } from '../base/can-parse-url.js'
import {
  isPlainObject,
  oneOf,
  ownMember,
  reject,
  requireKnownKeys,
  strings,
} from '../base/check.js'
import { isToken68 } from '../base/request-headers.js'
import { MAX_TOKEN_LENGTH } from './subject-token.js'
import { ACCESS_TOKEN, REQUESTED_TYPES, type RequestedType, typeIdentifier } from './token-types.js'

/** What an exchange requests. Without members, the authorization server decides. RFC 8693 §2.1. */
export interface TokenExchangeRequest {
  /** The names of the downstream API at the authorization server. Only `rfc8693`. */
  audience?: string | readonly string[] | undefined
  /** The URLs of the downstream API, without fragment (RFC 8707). Only `rfc8693`. */
  resource?: string | readonly string[] | undefined
  /** The scope of the issued token, as scope tokens or space-delimited. Required with `entra`. */
  scope?: string | readonly string[] | undefined
  /** An access token of the party that acts for the user, such as this API. Only `rfc8693`. */
  actorToken?: string | undefined
  /**
   * The type of the issued token: an access token, or a JWT that the downstream API accepts as
   * one. Default `access_token`. Only `rfc8693`.
   */
  requestedTokenType?: 'access_token' | 'jwt' | undefined
  /**
   * Further parameters that the authorization server defines. They cannot replace those that the
   * exchanger sends.
   */
  parameters?: Readonly<Record<string, string>> | undefined
}

export const EXCHANGE_REQUEST_KEYS = [
  'audience',
  'resource',
  'scope',
  'actorToken',
  'requestedTokenType',
  'parameters',
] as const satisfies readonly (keyof TokenExchangeRequest)[]

/** The parameters of a token request, and what its response must match. */
export interface ExchangeParameters {
  readonly grantType: string
  /** The name of the parameter that contains the subject token. */
  readonly subjectParameter: 'subject_token' | 'assertion'
  readonly form: readonly (readonly [name: string, value: string])[]
  /** The requested scope; `undefined` if none is requested. */
  readonly scope: readonly string[] | undefined
  /** `issued_token_type` of the response; `undefined` if the protocol has none. */
  readonly issuedType: string | undefined
  readonly actorToken: string | undefined
}

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

/** The parameters of client authentication and of both grants. */
const RESERVED: ReadonlySet<string> = new Set([
  'grant_type',
  'subject_token',
  'subject_token_type',
  'actor_token',
  'actor_token_type',
  'requested_token_type',
  'audience',
  'resource',
  'scope',
  'assertion',
  'requested_token_use',
  'client_id',
  'client_secret',
  'client_assertion',
  'client_assertion_type',
])

/** @throws {TypeError} if a member is invalid; the message names it, and never contains a token. */
export function exchangeParameters(
  given: TokenExchangeRequest,
  protocol: 'rfc8693' | 'entra',
): ExchangeParameters {
  const request = requireKnownKeys('exchange()', given, EXCHANGE_REQUEST_KEYS)
  const scope = scopeTokens(request.scope)
  const further = furtherParameters(request.parameters)
  const scoped = scope === undefined ? [] : [pair('scope', scope.join(' '))]
  if (protocol === 'entra') {
    rejectOthers(request)
    if (scope === undefined) {
      reject('scope', 'is required with "protocol" entra, such as api://downstream/.default')
    }
    return {
      grantType: JWT_BEARER,
      subjectParameter: 'assertion',
      form: [pair('requested_token_use', 'on_behalf_of'), ...scoped, ...further],
      scope,
      issuedType: undefined,
      actorToken: undefined,
    }
  }
  const { actorToken } = request
  const issuedType = typeIdentifier(requestedType(request.requestedTokenType))
  return {
    grantType: TOKEN_EXCHANGE,
    subjectParameter: 'subject_token',
    form: [
      pair('subject_token_type', ACCESS_TOKEN),
      pair('requested_token_type', issuedType),
      ...each('audience', request.audience),
      ...each('resource', request.resource, isResource),
      ...scoped,
      ...actor(actorToken),
      ...further,
    ],
    scope,
    issuedType,
    actorToken,
  }
}

function pair(name: string, value: string): readonly [string, string] {
  return [name, value]
}

/** Returns one parameter per value, sorted: their order has no meaning. */
function each(
  name: 'audience' | 'resource',
  given: unknown,
  isValid: (value: string) => boolean = () => true,
): (readonly [string, string])[] {
  if (given === undefined) return []
  const values = strings(name, given, 'the downstream API')
  if (!values.every(isValid)) reject(name, 'must contain absolute URIs without a fragment')
  return sorted(values).map((value) => pair(name, value))
}

function isResource(value: string): boolean {
  return /^[\x21\x22\x24-\x7e]+$/.test(value) && canParseUrl(value)
}

/** Returns the scope tokens (RFC 6749 §3.3), sorted: their order has no meaning. */
function scopeTokens(given: unknown): readonly string[] | undefined {
  if (given === undefined) return undefined
  const tokens = strings('scope', given, 'the scope of the issued token').flatMap((text) =>
    text.split(' '),
  )
  if (!tokens.every((token) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(token))) {
    reject('scope', 'must consist of scope tokens, separated by one space each (RFC 6749 §3.3)')
  }
  return Object.freeze(sorted(tokens))
}

function sorted(values: readonly string[]): string[] {
  return [...new Set(values)].sort()
}

function requestedType(type: unknown = 'access_token'): RequestedType {
  return oneOf('requestedTokenType', type, REQUESTED_TYPES)
}

function actor(token: unknown): (readonly [string, string])[] {
  if (token === undefined) return []
  if (typeof token !== 'string' || token.length > MAX_TOKEN_LENGTH || !isToken68(token)) {
    reject('actorToken', 'must be an access token as a string')
  }
  return [pair('actor_token', token), pair('actor_token_type', ACCESS_TOKEN)]
}

function furtherParameters(given: unknown): (readonly [string, string])[] {
  if (given === undefined) return []
  if (!isPlainObject(given)) reject('parameters', 'must be an object of strings')
  return Object.keys(given)
    .sort()
    .map((name) => {
      const value = ownMember(given, name)
      if (RESERVED.has(name)) {
        reject('parameters', `must not contain "${name}", which the exchanger sends`)
      }
      return typeof value === 'string'
        ? pair(name, value)
        : reject('parameters', 'must be an object of strings')
    })
}

function rejectOthers(request: TokenExchangeRequest): void {
  for (const name of ['audience', 'resource', 'actorToken', 'requestedTokenType'] as const) {
    if (request[name] === undefined) continue
    reject(name, 'requires "protocol" rfc8693: with entra, "scope" names the downstream API')
  }
}
