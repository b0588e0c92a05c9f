/**
 * Sends one introspection request and interprets its response (RFC 7662 §2). oauth4webapi builds the
 * request; the response is read here, with a size limit and with duplicate members rejected.
 *
 * This is the only module of the core that needs oauth4webapi. It is loaded when a resource server
 * with introspection is created.
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
import { readText, retryAfter } from '../http/fetch-json.js'
import type { IntrospectionMetadata } from '../http/metadata.js'
import { IntrospectionFailure } from './introspection-failure.js'
import { type IntrospectionResult, resultOf } from './introspection-response.js'
import type { IntrospectionFetch } from './options.js'
import { readSignedResponse, type SignedResponseOptions } from './signed-response.js'

export interface ExchangeOptions {
  readonly issuer: string
  readonly client: ClientCredentials
  /** If set, only signed responses are accepted (RFC 9701). */
  readonly signed: SignedResponseOptions | undefined
  readonly fetch: IntrospectionFetch
}

/**
 * Introspects one token. Aborts with the signal.
 *
 * @throws {IntrospectionFailure} if the response does not say whether the token is active.
 * @throws what `fetch` throws if there is no response.
 */
export type Exchange = (
  metadata: IntrospectionMetadata,
  token: string,
  signal: AbortSignal,
) => Promise<IntrospectionResult>

/** More than any issuer's response. */
const MAX_BYTES = 65_536

const SIGNED = 'application/token-introspection+jwt'
const PLAIN = 'application/json'

/** @throws {TypeError} if the client's key is unusable. */
export async function introspectionExchange(options: ExchangeOptions): Promise<Exchange> {
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
      // An unread body would hold its connection open.
      response.body?.cancel().catch(() => {})
    }
  }
}

function request(
  { endpoint }: IntrospectionMetadata,
  token: string,
  signal: AbortSignal,
  { issuer, client, signed, fetch }: ExchangeOptions,
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
      // Whether http is allowed for this URL was checked when it was configured or discovered.
      [allowInsecureRequests]: true,
      [customFetch]: (url: string, init: object) =>
        // oauth4webapi returns this response and uses no member beyond those of FetchResponse.
        fetch(url, ownMembers(init) as Parameters<IntrospectionFetch>[1]) as Promise<Response>,
    }),
  )
}

async function read(
  { endpoint, signingAlgorithms }: IntrospectionMetadata,
  response: Response,
  text: string,
  { signed }: ExchangeOptions,
): Promise<Readonly<Record<string, unknown>>> {
  const [type] = (response.headers.get('content-type') ?? '').toLowerCase().split(/[\s;]/)
  const wanted = signed === undefined ? PLAIN : SIGNED
  if (type !== wanted) {
    throw new IntrospectionFailure(
      `${withoutQuery(endpoint)} did not respond with ${wanted}`,
      // An operator who requires signed responses must learn that the issuer sends none.
      { attributedTo: 'token', level: signed === undefined ? 'warn' : 'error' },
    )
  }
  if (signed !== undefined) return readSignedResponse(text, signingAlgorithms, signed)
  const members = parseJsonObject(text)
  if (members !== undefined) return members
  throw new IntrospectionFailure(
    `${withoutQuery(endpoint)} did not respond with a JSON object without duplicate members`,
    { attributedTo: 'token' },
  )
}

/**
 * RFC 7662 §2.3, RFC 6749 §5.2. By the RFC a 401 or 403 is about our credentials; some issuers send
 * it for a token that they do not know. A health probe tells which.
 */
function failureOf(endpoint: string, response: Response, text: string): IntrospectionFailure {
  const { status } = response
  const error = ownMember(parseJsonObject(text) ?? {}, 'error')
  const summary = `${endpoint} responded with ${status}`
  const isAboutCredentials = status === 401 || (status === 403 && typeof error === 'string')
  if (isAboutCredentials || error === 'invalid_client' || error === 'unauthorized_client') {
    return new IntrospectionFailure(
      `${endpoint} rejects our credentials (HTTP ${status}): no token can be introspected until "introspection.clientId", "clientSecret" or "privateKey", and "clientAuthentication" match the client at the issuer`,
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
        'it does not introspect its JWTs, so they get 503: set "introspection.mode" to opaque to accept them by signature',
    })
  }
  return new IntrospectionFailure(`${summary}${status < 400 ? ' in place of 200' : ''}`, {
    // A 400, a 403 from a middlebox or a 500 may be caused by this one token.
    attributedTo: status < 400 || GONE_OR_DOWN.has(status) ? 'either' : 'token',
    retryAfterMs: retryAfter(response),
    status,
  })
}

const GONE_OR_DOWN: ReadonlySet<number> = new Set([404, 405, 410, 429, 502, 503, 504])

/** The query is left out: it may contain a secret. */
function withoutQuery(url: string): string {
  const { origin, pathname } = new URL(url)
  return origin + pathname
}
