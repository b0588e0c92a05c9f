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
  /** Thumbprint of the client's certificate: SHA-256 in base64url. `undefined` without one. */
  readonly certificateThumbprint: string | undefined
  /** Text for the operator that states what was expected, if there is no certificate. */
  readonly expectedCertificate?: string | undefined
}

export type Scheme = 'Bearer' | 'DPoP'

/**
 * How tokens with one type of binding (key or certificate) are handled. `'off'` rejects them,
 * `'allowed'` also accepts tokens without this binding, `'required'` rejects all other tokens.
 */
export type BindingMode = 'off' | 'allowed' | 'required'

/** The binding requirement of a route or a call of `verify()`. */
export interface ResolvedBindingRequirement {
  readonly dpop: BindingMode
  readonly mtls: BindingMode
}
