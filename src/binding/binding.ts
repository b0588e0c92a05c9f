/**
 * Verifies the binding of a sender-constrained token: the caller must hold the key or certificate
 * that the token is bound to (RFC 9449 §7, RFC 8705 §3). The proof belongs to the request, so it is
 * verified on every use of a token, even if the verification result of the token is cached.
 */
import type { AccessToken } from '../access-token/access-token.js'
import { boundCertificateOf, boundKeyOf, type Confirmation } from '../access-token/confirmation.js'
import { areEqualThumbprints } from '../base/thumbprint.js'
import { InvalidTokenError } from '../errors/errors.js'
import type { Rejection, StepResult } from '../errors/result.js'
import type { DPoPChallenge } from '../errors/www-authenticate.js'
import type { DPoP, HashedToken } from './dpop/dpop.js'
import type { Presentation, ResolvedBindingRequirement, Scheme } from './presentation.js'

type Bound = Pick<AccessToken, 'confirmation'>

export class Binding {
  /**
   * The modes from the options, which apply unless a route or a call of `verify()` sets other
   * modes. If a mode is `'off'` here, every route and call rejects tokens with that binding.
   */
  readonly requirement: ResolvedBindingRequirement
  readonly #dpop: DPoP | undefined

  constructor(requirement: ResolvedBindingRequirement, dpop: DPoP | undefined) {
    this.requirement = requirement
    this.#dpop = dpop
  }

  /** Returns the DPoP part of the challenge; `undefined` if the route accepts no DPoP proofs. */
  dpopChallenge({ dpop }: ResolvedBindingRequirement): DPoPChallenge | undefined {
    if (dpop === 'off' || this.#dpop === undefined) return undefined
    return { algs: this.#dpop.algs, nonce: this.#dpop.newestNonce() }
  }

  /**
   * Returns a rejection if the token has a binding whose option is off, so that no route can accept
   * it; otherwise `undefined`. Called before the costly checks of the token.
   */
  checkProvable(confirmation: Confirmation | undefined): Rejection | undefined {
    if (boundKeyOf(confirmation) !== undefined && this.requirement.dpop === 'off') {
      return bindingError(BOUND_TO_KEY, 'a bearer token, because the option "dpop" is off')
    }
    if (boundCertificateOf(confirmation) !== undefined && this.requirement.mtls === 'off') {
      return bindingError(BOUND_TO_CERTIFICATE, 'a bearer token, because the option "mtls" is off')
    }
    return undefined
  }

  /** Whether responses may carry a DPoP-Nonce header. */
  get issuesNonces(): boolean {
    return this.#dpop?.newestNonce() !== undefined
  }

  /**
   * Whether the request needs no proof: the token is a bearer token, was sent with the scheme
   * `Bearer`, and the route does not require a bound token.
   */
  needsNoProof(
    { confirmation }: Bound,
    scheme: Scheme,
    { dpop, mtls }: ResolvedBindingRequirement,
  ): boolean {
    return (
      confirmation === undefined &&
      scheme === 'Bearer' &&
      dpop !== 'required' &&
      mtls !== 'required'
    )
  }

  /**
   * Verifies the proof of possession: synchronously, unless a DPoP proof must be verified.
   *
   * @returns the nonce for the client's next proof, or `undefined` if the client needs no new
   *   nonce. If the proof of possession is missing or invalid, returns the rejection, or a promise
   *   that rejects with it.
   */
  verify(
    token: Bound & HashedToken,
    presentation: Presentation,
    requirement: ResolvedBindingRequirement,
  ): StepResult<string | undefined> {
    const { confirmation } = token
    const rejection = checkCertificate(confirmation, presentation, requirement)
    if (rejection !== undefined) return rejection
    const jkt = boundKeyOf(confirmation)
    if (jkt === undefined) {
      if (presentation.scheme === 'DPoP') {
        return bindingError('The access token is not bound to a key', 'a token with "jkt" in "cnf"')
      }
      if (requirement.dpop !== 'required') return undefined
      return bindingError('A DPoP-bound access token is required', '"jkt"')
    }
    if (requirement.dpop === 'off' || this.#dpop === undefined) {
      return bindingError(BOUND_TO_KEY, 'a bearer token, because "dpop" is off here')
    }
    if (presentation.scheme !== 'DPoP') {
      return bindingError(BOUND_TO_KEY, 'Authorization: DPoP', 'Bearer')
    }
    return this.#dpop.verifyProof(token, jkt, presentation)
  }
}

function checkCertificate(
  confirmation: Confirmation | undefined,
  presentation: Presentation,
  { mtls }: ResolvedBindingRequirement,
): Rejection | undefined {
  const bound = boundCertificateOf(confirmation)
  if (bound === undefined) {
    if (mtls !== 'required') return undefined
    return bindingError('A certificate-bound access token is required', '"x5t#S256"')
  }
  if (mtls === 'off') {
    return bindingError(BOUND_TO_CERTIFICATE, 'a bearer token, because "mtls" is off here')
  }
  const { certificateThumbprint } = presentation
  if (certificateThumbprint === undefined) {
    const { expectedCertificate = 'a certificate of the client' } = presentation
    return bindingError(BOUND_TO_CERTIFICATE, expectedCertificate, 'none')
  }
  if (!areEqualThumbprints(bound, certificateThumbprint)) {
    return bindingError(
      BOUND_TO_CERTIFICATE,
      'the certificate that the token is bound to',
      'another certificate',
    )
  }
  return undefined
}

const BOUND_TO_KEY = 'The access token is bound to a key and must be sent with a DPoP proof'
const BOUND_TO_CERTIFICATE = 'The access token is bound to a certificate that was not presented'

function bindingError(message: string, expected: string, found?: string): InvalidTokenError {
  return new InvalidTokenError(message, { check: 'binding', expected, found })
}
