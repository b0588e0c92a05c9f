/** How a token was presented: what came with it that may prove whose it is. */

export interface Presentation {
  /** The scheme of the `Authorization` header (RFC 9110 §11.4). */
  readonly scheme: Scheme
  /** The method of the request, as it was sent. */
  readonly method: string
  /** The values of all `DPoP` headers. */
  readonly proofs: readonly string[]
  /** The URL that the client asked for, in each of the ways in which it may know it. */
  readonly targetUris: readonly string[]
  /** SHA-256 of the client's certificate in DER, in base64url; `undefined` without one. */
  readonly certificateThumbprint: string | undefined
  /** What would have been one here, for the operator. */
  readonly expectedCertificate?: string | undefined
}

export type Scheme = 'Bearer' | 'DPoP'

/** Whether a proof of a kind is looked at, and whether every token must have one. */
export type BindingMode = 'off' | 'allowed' | 'required'

/** What a route, or a call, asks of the binding. */
export interface BindingDemand {
  readonly dpop: BindingMode
  readonly mtls: BindingMode
}
