/** How a token was presented: the parts of the request that may prove possession. */

export interface Presentation {
  /** The scheme of the `Authorization` header (RFC 9110 §11.4). */
  readonly scheme: Scheme
  /** The method of the request, as it was sent. */
  readonly method: string
  /** The values of all `DPoP` headers. */
  readonly proofs: readonly string[]
  /** The URLs under which the client may have requested the resource. */
  readonly targetUris: readonly string[]
  /** SHA-256 of the client's certificate in DER, in base64url; `undefined` without one. */
  readonly certificateThumbprint: string | undefined
  /** If there is no certificate: the expected one, in words, for the operator. */
  readonly expectedCertificate?: string | undefined
}

export type Scheme = 'Bearer' | 'DPoP'

/** Whether a binding mechanism is verified, and whether every token must be bound by it. */
export type BindingMode = 'off' | 'allowed' | 'required'

/** The binding requirement of a route or a call of `verify()`. */
export interface ResolvedBindingRequirement {
  readonly dpop: BindingMode
  readonly mtls: BindingMode
}
