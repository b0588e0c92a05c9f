import { createProofSigner } from './dpop-signer.js'
import type { TokenExchangeRequest } from './exchange-parameters.js'
import type { ExchangedToken } from './exchanged-token.js'
import { resolveExchanger, type TokenExchangerOptions } from './options.js'
import type { ExchangeableToken } from './subject-token.js'
import { Exchanger } from './token-exchanger.js'
import { tokenRequestSender } from './token-request.js'

/** Exchanges access tokens for tokens for downstream APIs. Create one per authorization server. */
export interface TokenExchanger {
  /**
   * Returns a token for a downstream API on behalf of the user of the subject token: a cached one,
   * or a new one. Concurrent calls with the same arguments share one request.
   *
   * Does not verify the subject token: pass `request.auth`, or a token that you verified. If
   * `request.auth` is null, because the request has no token, the error is a 401.
   *
   * @param subjectToken the access token that this API received, verified.
   * @throws {TypeError} if an argument is invalid; the message names it.
   * @throws {MissingCredentialsError} if the subject token is null.
   * @throws {TokenExchangeError} if the authorization server rejects the exchange, or the token must
   *   not be sent to it.
   * @throws {TokenExchangeUnavailableError} if the authorization server is unavailable.
   */
  exchange(
    subjectToken: ExchangeableToken | string | null,
    request?: TokenExchangeRequest,
  ): Promise<ExchangedToken>
  /**
   * Removes a token from the cache, so that the next exchange with the same arguments requests a
   * new one. Call the function if the downstream API responds with 401 to a cached token, for
   * example because the token was revoked. Has no effect on a token that is not cached.
   */
  discard(token: ExchangedToken): void
  /** Aborts all requests, and forgets all tokens. Further exchanges are rejected with a 503. */
  close(): void
}

/**
 * Creates a token exchanger (RFC 8693, or the on-behalf-of flow of Entra ID). It contacts the
 * authorization server at the first exchange.
 *
 * @throws {TypeError} if an option is unknown or invalid; the message names the option and the fix.
 * @see RFC 8693, RFC 7523, RFC 8707, RFC 9449
 */
export async function createTokenExchanger(
  options: TokenExchangerOptions,
): Promise<TokenExchanger> {
  return createExchanger(options, () => performance.now())
}

/** @param monotonicNow a monotonic clock, in milliseconds. */
export async function createExchanger(
  options: TokenExchangerOptions,
  monotonicNow: () => number,
): Promise<TokenExchanger> {
  const resolved = resolveExchanger(options)
  const { dpop, now } = resolved
  const signProof = dpop === false ? undefined : await createProofSigner(dpop, now)
  const send = await tokenRequestSender({ ...resolved, signProof })
  const exchanger = new Exchanger({ ...resolved, signProof, send, monotonicNow })
  return Object.freeze({
    exchange: (subjectToken: ExchangeableToken | string | null, request?: TokenExchangeRequest) =>
      exchanger.exchange(subjectToken, request),
    discard: (token: ExchangedToken) => exchanger.discard(token),
    close: () => exchanger.close(),
  })
}
