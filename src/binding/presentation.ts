/** Defines how a token was presented: the parts of the request that may prove possession. */

export interface Presentation {
  /** The scheme of the `Authorization` header (RFC 9110 §11.4). */
  readonly scheme: Scheme
  /** The method of the request, as it was sent. */
  readonly method: string
  /** The values of all `DPoP` headers. */
  readonly proofs: readonly string[]
  /** The URLs under which the client may have requested the resource. */
  readonly targetUris: readonly string[]
  /** SHA-256 of the client's certificate, in base64url; `undefined` if there is no certificate. */
  readonly certificateThumbprint: string | undefined
  /** If there is no certificate: a text that tells the operator what was expected. */
  readonly expectedCertificate?: string | undefined
}

export type Scheme = 'Bearer' | 'DPoP'

/**
 * How tokens are handled by one type of binding (key or certificate). `'off'` rejects tokens with
 * this binding, `'allowed'` accepts tokens with and without it, and `'required'` rejects tokens
 * without it.
 */
export type BindingMode = 'off' | 'allowed' | 'required'

/** The binding requirement of a route or a call of `verify()`. */
export interface ResolvedBindingRequirement {
  readonly dpop: BindingMode
  readonly mtls: BindingMode
}
