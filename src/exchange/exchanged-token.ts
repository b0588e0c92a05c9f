import { inspect } from 'node:util'
import { canParseUrl } from '../base/can-parse-url.js'
import { requireKnownKeys } from '../base/check.js'
import type { SignProof } from './dpop-signer.js'
import type { IssuedExchange } from './token-response.js'

/** The request to the downstream API for which {@link ExchangedToken.headers} returns headers. */
export interface DownstreamRequest {
  /** The absolute URL of the request. */
  url: string | URL
  /** The method of the request, in upper case. Default `GET`. */
  method?: string | undefined
  /** The latest `DPoP-Nonce` of the downstream API, if it sent one. RFC 9449 §9. */
  nonce?: string | undefined
}

/** The headers that present an exchanged token. Secret: never log them. */
export interface DownstreamHeaders {
  /** The token with its scheme. */
  readonly authorization: string
  /** With DPoP, `dpop` is the proof for this request, which is valid once. */
  readonly [name: string]: string
}

/**
 * An access token for a downstream API. It is immutable, because all exchanges with the same subject
 * token and request share it until it expires. Loggers and `JSON.stringify` do not show the token.
 */
export class ExchangedToken {
  /** The scheme of the `Authorization` header: `DPoP` with the option `dpop`, otherwise `Bearer`. */
  readonly tokenType: 'Bearer' | 'DPoP'
  /**
   * The expiry, in seconds since the epoch; `undefined` if the response has no `expires_in`, so
   * that the token is not cached.
   */
  readonly expiresAt: number | undefined
  /**
   * The granted scope: that of the response, otherwise the requested one; `undefined` if neither is
   * known.
   */
  readonly scope: readonly string[] | undefined
  readonly #accessToken: string
  readonly #signProof: SignProof | undefined

  /** @internal */
  constructor(
    { accessToken, tokenType, scope }: IssuedExchange,
    expiresAt: number | undefined,
    signProof: SignProof | undefined,
  ) {
    this.tokenType = tokenType
    this.expiresAt = expiresAt
    this.scope = scope
    this.#accessToken = accessToken
    this.#signProof = signProof
    Object.freeze(this)
  }

  /** The access token. It is secret: never log it. */
  get accessToken(): string {
    return this.#accessToken
  }

  /**
   * Returns the headers that present the token to the downstream API: `authorization`, and with DPoP
   * a proof for this one request. If the downstream API responds with 401 and a `DPoP-Nonce`, call
   * the function again with that nonce.
   *
   * @throws {TypeError} if the request is invalid.
   */
  async headers(request: DownstreamRequest): Promise<DownstreamHeaders> {
    const {
      url,
      method = 'GET',
      nonce,
    } = requireKnownKeys('headers()', request, ['url', 'method', 'nonce'])
    if (!canParseUrl(String(url))) throw new TypeError('"url" must be an absolute URL')
    const accessToken = this.#accessToken
    const authorization = `${this.tokenType} ${accessToken}`
    if (this.#signProof === undefined) return { authorization }
    const dpop = await this.#signProof({ method, url: String(url), accessToken, nonce })
    return { authorization, dpop }
  }

  /** Returns the members for `JSON.stringify`, without the token. */
  toJSON(): object {
    return { ...this }
  }

  /** Returns the members for `util.inspect`, which could otherwise call the getter of the token. */
  [inspect.custom](): object {
    return { ...this }
  }
}
