/**
 * Exchanges the access tokens that an API receives for tokens for downstream APIs.
 *
 * @module
 */

export { createTokenExchanger, type TokenExchanger } from './create-token-exchanger.js'
export type { TokenExchangeRequest } from './exchange-parameters.js'
export type { DownstreamHeaders, DownstreamRequest, ExchangedToken } from './exchanged-token.js'
export type { TokenExchangeFetch, TokenExchangerOptions } from './options.js'
export type { ExchangeableToken } from './subject-token.js'
export { TokenExchangeError, TokenExchangeUnavailableError } from './token-exchange-error.js'
