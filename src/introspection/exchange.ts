/**
 * One question to the introspection endpoint, and what its answer means (RFC 7662 §2). oauth4webapi
 * speaks the protocol; the answer is read here, within bounds and without forgiving duplicates.
 *
 * It is the only file of the core that needs oauth4webapi, and is loaded when a resource server with
 * introspection is made.
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
import { type IntrospectionResult, outcomeOf } from './answer.js'
import { IntrospectionFailure } from './introspection-failure.js'
import type { IntrospectionFetch } from './options.js'
import { readSignedAnswer, type SignedAnswerOptions } from './signed-answer.js'

export interface ExchangeOptions {
  readonly issuer: string
  readonly client: ClientCredentials
  /** Only signed answers are taken then. */
  readonly signed: SignedAnswerOptions | undefined
  readonly fetch: IntrospectionFetch
}

/**
 * Asks about one token. Heeds the signal.
 *
 * @throws {IntrospectionFailure} if the answer is no verdict; what `fetch` throws if there is none.
 */
export type Exchange = (
  metadata: IntrospectionMetadata,
  token: string,
  signal: AbortSignal,
) => Promise<IntrospectionResult>

/** More than any issuer says about a token. */
const MAX_BYTES = 65_536

const SIGNED = 'application/token-introspection+jwt'
const PLAIN = 'application/json'

/** @throws {TypeError} if the client's key can't be used. */
export async function introspectionExchange(options: ExchangeOptions): Promise<Exchange> {
  const authentication = await clientAuthentication(options.client)
  return async (metadata, token, signal) => {
    signal.throwIfAborted()
    const response = await request(metadata, token, signal, options, authentication)
    try {
      const place = placeOf(metadata.endpoint)
      const text = await readText(place, response, { maxBytes: MAX_BYTES, signal })
      if (response.status !== 200) throw refusal(place, response, text)
      return outcomeOf(await read(metadata, response, text, options), text.length)
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
      // Which addresses may be asked over http was decided when this one was found.
      [allowInsecureRequests]: true,
      [customFetch]: (url: string, init: object) =>
        // oauth4webapi hands it on, and uses no more of it than we do.
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
      `${placeOf(endpoint)} answered something else than ${wanted}`,
      // Whoever asked for signatures and gets none should hear of it.
      { of: 'token', level: signed === undefined ? 'warn' : 'error' },
    )
  }
  if (signed !== undefined) return readSignedAnswer(text, signingAlgorithms, signed)
  const members = parseJsonObject(text)
  if (members !== undefined) return members
  throw new IntrospectionFailure(
    `${placeOf(endpoint)} did not answer a JSON object without duplicate members`,
    { of: 'token' },
  )
}

/**
 * RFC 7662 §2.3, RFC 6749 §5.2. A 401 or a 403 is about our credentials by the RFC, and at some issuers
 * about a token that they don't know: which of the two, a probe tells.
 */
function refusal(place: string, response: Response, text: string): IntrospectionFailure {
  const { status } = response
  const error = ownMember(parseJsonObject(text) ?? {}, 'error')
  const answered = `${place} answered ${status}`
  const refused = status === 401 || (status === 403 && typeof error === 'string')
  if (refused || error === 'invalid_client' || error === 'unauthorized_client') {
    return new IntrospectionFailure(
      `${place} refuses our own credentials (HTTP ${status}): no token can be introspected until "introspection.clientId", its "clientSecret" or "privateKey" and "clientAuthentication" are what the issuer knows`,
      {
        of: 'either',
        level: 'error',
        retryAfter: retryAfter(response),
        status,
        aboutToken: answered,
      },
    )
  }
  if (error === 'unsupported_token_type') {
    return new IntrospectionFailure(`${answered} unsupported_token_type`, {
      of: 'token',
      status,
      aboutTrusted:
        'it does not introspect its JWTs, so they get 503; with "introspection.mode" opaque their signature is enough',
    })
  }
  return new IntrospectionFailure(`${answered}${status < 400 ? ', where 200 was due' : ''}`, {
    // A 400, a 403 of a filter on the way or a 500 is about the one token, as far as we know.
    of: status < 400 || GONE_OR_DOWN.has(status) ? 'either' : 'token',
    retryAfter: retryAfter(response),
    status,
  })
}

const GONE_OR_DOWN: ReadonlySet<number> = new Set([404, 405, 410, 429, 502, 503, 504])

/** A query can carry more than the place. */
function placeOf(url: string): string {
  const { origin, pathname } = new URL(url)
  return origin + pathname
}
