/**
 * Sends one token request and interprets the response. oauth4webapi builds the request; this module
 * reads the response, limits its size and rejects duplicate members.
 */
import {
  allowInsecureRequests,
  type ClientAuth,
  customFetch,
  genericTokenEndpointRequest,
} from 'oauth4webapi'
import { ownMembers } from '../base/plain-object.js'
import { clientAuthentication } from '../http/client-authentication.js'
import { readText, withoutQuery } from '../http/fetch-json.js'
import { redactor } from '../http/redaction.js'
import type { SignProof } from './dpop-signer.js'
import type { ExchangeParameters } from './exchange-parameters.js'
import type { ResolvedExchanger, TokenExchangeFetch } from './options.js'
import {
  errorCodeOf,
  exchangeErrorOf,
  type IssuedExchange,
  readTokenResponse,
} from './token-response.js'

export interface TokenRequestOptions
  extends Pick<ResolvedExchanger, 'issuer' | 'client' | 'fetch'> {
  /** If set, the issued tokens are bound to its key. */
  readonly signProof: SignProof | undefined
}

/**
 * Exchanges one subject token. The signal aborts the request.
 *
 * @throws {RejectedExchange} if the authorization server rejects the exchange.
 * @throws {FailedExchange} if the response is unusable.
 * @throws {UnexpectedResponseError} if the response is too long.
 * @throws the error of `fetch` if there is no complete response.
 */
export type SendTokenRequest = (
  endpoint: string,
  subjectToken: string,
  parameters: ExchangeParameters,
  signal: AbortSignal,
) => Promise<IssuedExchange>

/** Maximum size of a response: several times the size of the largest token in use. */
const MAX_BYTES = 131_072

/** Maximum length of a nonce, so that a server cannot make our headers too long. */
const MAX_NONCE_LENGTH = 1_024

/** @throws {TypeError} if the private key of the client is unusable. */
export async function tokenRequestSender(options: TokenRequestOptions): Promise<SendTokenRequest> {
  const authentication = await clientAuthentication(options.client)
  const { client, signProof } = options
  const tokenType = signProof === undefined ? 'Bearer' : 'DPoP'
  // The latest nonce of the server (RFC 9449 §8.2).
  let nonce: string | undefined
  return async (endpoint, subjectToken, parameters, signal) => {
    const shown = withoutQuery(endpoint)
    const attempt = async () => {
      signal.throwIfAborted()
      const request = { endpoint, subjectToken, parameters, signal, nonce }
      const response = await send(request, options, authentication)
      try {
        nonce = nonceOf(response) ?? nonce
        return { response, text: await readText(shown, response, { maxBytes: MAX_BYTES, signal }) }
      } finally {
        // An unread body would hold its connection open.
        response.body?.cancel().catch(() => {})
      }
    }
    let { response, text } = await attempt()
    if (signProof !== undefined && response.status !== 200) {
      if (errorCodeOf(text) === 'use_dpop_nonce') ({ response, text } = await attempt())
    }
    if (response.status === 200) {
      return readTokenResponse(response, text, { endpoint: shown, tokenType, parameters })
    }
    const { actorToken = '' } = parameters
    const credentials = [subjectToken, actorToken, client.clientSecret ?? '']
    throw exchangeErrorOf(response, text, shown, redactor(credentials, client.clientId))
  }
}

interface TokenRequest {
  readonly endpoint: string
  readonly subjectToken: string
  readonly parameters: ExchangeParameters
  readonly signal: AbortSignal
  readonly nonce: string | undefined
}

async function send(
  { endpoint, subjectToken, parameters, signal, nonce }: TokenRequest,
  { issuer, client, fetch, signProof }: TokenRequestOptions,
  authentication: ClientAuth,
): Promise<Response> {
  const { grantType, subjectParameter, form } = parameters
  const dpop = await signProof?.({ method: 'POST', url: endpoint, nonce })
  return genericTokenEndpointRequest(
    // Without an issuer, the token endpoint is the audience of a client assertion (RFC 7523 §3).
    ownMembers({ issuer: issuer ?? endpoint, token_endpoint: endpoint }),
    ownMembers({ client_id: client.clientId }),
    authentication,
    grantType,
    new URLSearchParams([[subjectParameter, subjectToken], ...form.map(([...entry]) => entry)]),
    ownMembers({
      signal,
      headers: dpop === undefined ? new Headers() : new Headers([['dpop', dpop]]),
      // The URL was checked when it was configured or discovered: it is http only if allowed.
      [allowInsecureRequests]: true,
      [customFetch]: (url: string, init: object) =>
        // oauth4webapi returns this response, and uses only members that FetchResponse has.
        fetch(url, ownMembers(init) as Parameters<TokenExchangeFetch>[1]) as Promise<Response>,
    }),
  )
}

function nonceOf({ headers }: Response): string | undefined {
  const nonce = headers?.get('dpop-nonce') ?? ''
  return nonce !== '' && nonce.length <= MAX_NONCE_LENGTH ? nonce : undefined
}
