/**
 * Sends one introspection request and interprets the response (RFC 7662 §2). oauth4webapi builds
 * the request; this module reads the response, limits its size and rejects duplicate members.
 *
 * The module is loaded only when a resource server with introspection is created, so that other
 * resource servers do not load oauth4webapi.
 */
import {
  allowInsecureRequests,
  type ClientAuth,
  customFetch,
  introspectionRequest,
} from 'oauth4webapi'
import { parseJsonObject } from '../base/json-object.js'
import { ownMember, ownMembers } from '../base/plain-object.js'
import { type ClientCredentials, clientAuthentication } from '../http/client-authentication.js'
import { readText, retryAfter, withoutQuery } from '../http/fetch-json.js'
import type { IntrospectionMetadata } from '../http/metadata.js'
import { IntrospectionFailure } from './introspection-failure.js'
import { type IntrospectionResult, resultOf } from './introspection-response.js'
import type { IntrospectionFetch } from './options.js'
import { readSignedResponse, type SignedResponseOptions } from './signed-response.js'

export interface IntrospectionRequestOptions {
  readonly issuer: string
  readonly client: ClientCredentials
  /** If set, only signed responses are accepted (RFC 9701). */
  readonly signed: SignedResponseOptions | undefined
  readonly fetch: IntrospectionFetch
}

/**
 * Introspects one token. The signal aborts the request.
 *
 * @throws {IntrospectionFailure} if the response is an error or has an invalid format.
 * @throws {UnexpectedResponseError} if the response is too long.
 * @throws the error of `fetch` if there is no complete response.
 */
export type SendIntrospectionRequest = (
  metadata: IntrospectionMetadata,
  token: string,
  signal: AbortSignal,
) => Promise<IntrospectionResult>

/** Maximum size of a response, in bytes. */
const MAX_BYTES = 65_536

const SIGNED = 'application/token-introspection+jwt'
const PLAIN = 'application/json'

/** @throws {TypeError} if the private key of the client is unusable. */
export async function introspectionRequestSender(
  options: IntrospectionRequestOptions,
): Promise<SendIntrospectionRequest> {
  const authentication = await clientAuthentication(options.client)
  return async (metadata, token, signal) => {
    signal.throwIfAborted()
    const response = await request(metadata, token, signal, options, authentication)
    try {
      const endpoint = withoutQuery(metadata.endpoint)
      const text = await readText(endpoint, response, { maxBytes: MAX_BYTES, signal })
      if (response.status !== 200) throw failureOf(endpoint, response, text)
      return resultOf(await read(metadata, response, text, options), text.length)
    } finally {
      // An unread body would keep its connection open.
      response.body?.cancel().catch(() => {})
    }
  }
}

function request(
  { endpoint }: IntrospectionMetadata,
  token: string,
  signal: AbortSignal,
  { issuer, client, signed, fetch }: IntrospectionRequestOptions,
  authentication: ClientAuth,
): Promise<Response> {
  return introspectionRequest(
    ownMembers({ issuer, introspection_endpoint: endpoint }),
    ownMembers({ client_id: client.clientId }),
    authentication,
    token,
    ownMembers({
      additionalParameters: { token_type_hint: 'access_token' },
      requestJwtResponse: signed !== undefined,
      signal,
      // The URL was checked when it was configured or discovered: it is http only if allowed.
      [allowInsecureRequests]: true,
      [customFetch]: (url: string, init: object) =>
        // oauth4webapi returns this response, and uses only members that FetchResponse has.
        fetch(url, ownMembers(init) as Parameters<IntrospectionFetch>[1]) as Promise<Response>,
    }),
  )
}

async function read(
  { endpoint, signingAlgorithms }: IntrospectionMetadata,
  response: Response,
  text: string,
  { signed }: IntrospectionRequestOptions,
): Promise<Readonly<Record<string, unknown>>> {
  const [type] = (response.headers.get('content-type') ?? '').toLowerCase().split(/[\s;]/)
  const wanted = signed === undefined ? PLAIN : SIGNED
  if (type !== wanted) {
    throw new IntrospectionFailure(
      `${withoutQuery(endpoint)} responded with a Content-Type other than ${wanted}`,
      // Level `error`, so that an operator who requires signed responses learns that the issuer
      // sends none.
      { attributedTo: 'token', level: signed === undefined ? 'warn' : 'error' },
    )
  }
  if (signed !== undefined) return readSignedResponse(text, signingAlgorithms, signed)
  const members = parseJsonObject(text)
  if (members !== undefined) return members
  throw new IntrospectionFailure(
    `${withoutQuery(endpoint)} responded with a body that is not a JSON object, has duplicate members or is nested too deeply`,
    { attributedTo: 'token' },
  )
}

/**
 * Converts an error response (RFC 7662 §2.3, RFC 6749 §5.2) to a failure. A 401 or 403 should mean
 * that the issuer rejects the credentials of this API, but some issuers send these statuses for
 * every token that they do not know. A health probe finds out which is the case.
 */
function failureOf(endpoint: string, response: Response, text: string): IntrospectionFailure {
  const { status } = response
  const error = ownMember(parseJsonObject(text) ?? {}, 'error')
  const summary = `${endpoint} responded with ${status}`
  const isAboutCredentials = status === 401 || (status === 403 && typeof error === 'string')
  if (isAboutCredentials || error === 'invalid_client' || error === 'unauthorized_client') {
    return new IntrospectionFailure(
      `${endpoint} rejects our credentials (HTTP ${status}): no token can be introspected until "introspection.clientId", "clientSecret" or "privateKey", and "clientAuthentication" match the client that is registered at the issuer`,
      {
        attributedTo: 'either',
        level: 'error',
        retryAfterMs: retryAfter(response),
        status,
        aboutToken: summary,
      },
    )
  }
  if (error === 'unsupported_token_type') {
    return new IntrospectionFailure(`${summary} unsupported_token_type`, {
      attributedTo: 'token',
      status,
      aboutTrusted:
        'the issuer does not introspect its JWTs, so requests with them get 503: set "introspection.mode" to opaque to accept JWTs by their signature',
    })
  }
  return new IntrospectionFailure(`${summary}${status < 400 ? ' instead of 200' : ''}`, {
    // Any other status, such as 400, 500 or a 403 of a middlebox, may be caused by this one token.
    attributedTo: status < 400 || GONE_OR_DOWN.has(status) ? 'either' : 'token',
    retryAfterMs: retryAfter(response),
    status,
  })
}

/** Statuses of an endpoint that has moved, throttles or is down. */
const GONE_OR_DOWN: ReadonlySet<number> = new Set([404, 405, 410, 429, 502, 503, 504])
