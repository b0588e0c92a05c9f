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
 * Use the function only in tests and for legacy systems: RFC 9700 §2.4 says that the grant MUST NOT
 * be used, and OAuth 2.1 removes it. The function throws under `NODE_ENV=production` unless
 * `dangerouslyAllowProduction` is true.
 *
 * The function does not retry a failed token request, because servers lock accounts after a few
 * failures. The only exception: if the server requires a nonce in the DPoP proof, the function
 * sends the request once more with the nonce. The function does not verify the access token;
 * {@link TokenResponse.id_token} lists the checks of the ID token.
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
 * @throws {PasswordGrantError} if the server rejects the request, is unreachable, does not respond
 *   within `timeout`, or sends an invalid response
 * @throws the reason of `signal`, if the caller aborts it
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
  // Replaces the signature algorithms that the metadata lists. The signature of the ID token is not
  // verified, so comparing its algorithm with the list protects nothing: it would only reject
  // servers that announce RS256 and sign with another algorithm.
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

/**
 * Sends the token request, and once more with a nonce if the server requires one. Returns the last
 * response and its body.
 */
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

/** Whether the server rejected the request because the DPoP proof lacks a nonce (RFC 9449 §8). */
function requiresNonce({ status, headers }: Response, text: string): boolean {
  return (
    status === 400 && headers.has('dpop-nonce') && parseJsonObject(text)?.error === 'use_dpop_nonce'
  )
}

/**
 * Checks that `token_type` is `dpop` if, and only if, the request had a DPoP proof.
 *
 * @throws {Error} if the check fails.
 */
function requireTokenType({ token_type }: TokenResponse, { dpopHandle }: PreparedGrant): void {
  const isBound = token_type === 'dpop'
  if (isBound && dpopHandle === undefined) {
    throw new Error('"token_type" is DPoP, but no proof was sent')
  }
  if (!isBound && dpopHandle !== undefined) {
    throw new Error('"token_type" is not DPoP, so the token is not bound to the key')
  }
}

/**
 * Processes the token response, but returns its ID token without any check, because the issuer with
 * which `iss` would be compared is unknown.
 */
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

/** Returns the error for an exceeded time limit. */
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
