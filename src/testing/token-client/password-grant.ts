import {
  allowInsecureRequests,
  type Client,
  customFetch,
  genericTokenEndpointRequest,
  processGenericTokenEndpointResponse,
} from 'oauth4webapi'
import { ASYMMETRIC_ALGORITHMS } from '../../base/algorithms.js'
import { boundedFetch, withoutQuery } from './bounded-fetch.js'
import { withDeadline } from './deadline.js'
import { parseJsonObject } from './json-object.js'
import { type PasswordGrantOptions, type PreparedGrant, prepareGrant } from './options.js'
import { PasswordGrantError } from './password-grant-error.js'
import { type LocatedServer, locate, type TokenExchange } from './token-endpoint.js'
import type { TokenResponse } from './token-response.js'
import { unusableResponse } from './unusable-response.js'

/**
 * Requests tokens with a user's name and password: the resource owner password credentials grant.
 *
 * For tests and legacy systems only: RFC 9700 §2.4 says that it MUST NOT be used, and OAuth 2.1
 * removes it. The function throws under `NODE_ENV=production` unless `dangerouslyAllowProduction`
 * is set.
 *
 * The token request is not retried, because accounts lock after a few failures; it is repeated only
 * once, if the server requires a nonce in the proof of `dpop`, since it has not checked the
 * password then. The access token is not verified, and the ID token only as
 * {@link TokenResponse.id_token} says.
 *
 * ```ts
 * const { access_token } = await passwordGrant({
 *   issuer: 'https://example.okta.com/oauth2/default',
 *   clientId,
 *   clientSecret,
 *   username,
 *   password,
 *   scope: 'openid',
 * })
 * ```
 *
 * @throws {TypeError} if an option is missing, unknown or invalid, or under `NODE_ENV=production`
 * @throws {PasswordGrantError} if the server rejects the request, is unreachable, or its response
 *   is invalid
 * @throws the signal's reason, if `signal` is aborted
 * @see RFC 6749 §4.3, RFC 9449 §5
 */
export async function passwordGrant(options: PasswordGrantOptions): Promise<TokenResponse> {
  const grant = await prepareGrant(options)
  const { timeout, signal } = grant
  return withDeadline(
    { timeout, signal, createTimeoutError: () => timedOut(grant) },
    async (signal) => {
      const fetch = boundedFetch(grant.fetch, grant.redact)
      return requestToken(grant, { fetch, signal, redact: grant.redact })
    },
  )
}

async function requestToken(grant: PreparedGrant, exchange: TokenExchange): Promise<TokenResponse> {
  const { location } = grant
  // The ID token's signature is not verified, so the metadata's algorithms protect nothing;
  // checking them would only reject servers that announce RS256 and sign with another algorithm.
  const server = {
    ...(await locate(location, exchange)),
    id_token_signing_alg_values_supported: [...ASYMMETRIC_ALGORITHMS],
  }
  const client: Client = { client_id: grant.clientId }
  const { response, text } = await sendTokenRequest(grant, server, client, exchange)
  try {
    const tokens = await ('issuer' in location
      ? processGenericTokenEndpointResponse(server, client, response)
      : processWithoutIdTokenChecks(server, client, response, text))
    requireTokenType(tokens, grant)
    return tokens
  } catch (error) {
    const shownUrl = exchange.redact(withoutQuery(server.token_endpoint))
    const reason = (error as Error).message
    throw unusableResponse({ url: shownUrl, response, text, reason, redact: exchange.redact })
  }
}

/** Sends the token request, with a nonce if required; returns the final response and its body. */
async function sendTokenRequest(
  { authentication, parameters, dpopHandle }: PreparedGrant,
  server: LocatedServer,
  client: Client,
  { fetch, signal }: TokenExchange,
): Promise<{ response: Response; text: string }> {
  const send = async () => {
    const response = await genericTokenEndpointRequest(
      server,
      client,
      authentication,
      'password',
      parameters,
      {
        ...(dpopHandle && { DPoP: dpopHandle }),
        signal,
        [allowInsecureRequests]: server.token_endpoint.startsWith('http:'),
        [customFetch]: fetch,
      },
    )
    return { response, text: await response.clone().text() }
  }
  const first = await send()
  return dpopHandle !== undefined && requiresNonce(first.response, first.text) ? send() : first
}

/** RFC 9449 §8: the server requires a nonce, and has checked nothing else. */
function requiresNonce({ status, headers }: Response, text: string): boolean {
  return (
    status === 400 && headers.has('dpop-nonce') && parseJsonObject(text)?.error === 'use_dpop_nonce'
  )
}

/** Rejects a bearer token if a bound one was requested, and a token bound to an unknown key. */
function requireTokenType({ token_type }: TokenResponse, { dpopHandle }: PreparedGrant): void {
  const isBound = token_type === 'dpop'
  if (isBound && dpopHandle === undefined) {
    throw new Error('"token_type" is DPoP, but no proof was sent')
  }
  if (!isBound && dpopHandle !== undefined) {
    throw new Error('"token_type" is not DPoP, so the token is not bound to the key')
  }
}

/** Keeps the ID token unvalidated: without an issuer there is nothing to compare its `iss` with. */
async function processWithoutIdTokenChecks(
  server: LocatedServer,
  client: Client,
  response: Response,
  text: string,
): Promise<TokenResponse> {
  const body = parseJsonObject(text)
  if (typeof body?.id_token !== 'string') {
    return processGenericTokenEndpointResponse(server, client, response)
  }
  const { id_token, ...rest } = body
  const { status, headers } = response
  const processed = await processGenericTokenEndpointResponse(
    server,
    client,
    new Response(JSON.stringify(rest), { status, headers }),
  )
  return { ...processed, id_token }
}

export function timedOut({
  location,
  timeout,
  redact,
}: Pick<PreparedGrant, 'location' | 'timeout' | 'redact'>): PasswordGrantError {
  const url = 'issuer' in location ? location.issuer : location.tokenEndpoint
  return new PasswordGrantError({
    error: 'timeout',
    summary: `${redact(withoutQuery(url))} sent no complete response within ${timeout} ms`,
    hint: 'Check that the server is up and reachable from this machine, or raise "timeout".',
  })
}
