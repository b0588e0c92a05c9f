/** Finds the issuer of a token among the issuers in the options, without any network request. */

import { ownMember } from '../base/plain-object.js'
import { applicationFailure } from '../errors/application-function.js'
import { type Result, suppressRejection } from '../errors/result.js'
import { isTenantTemplate } from '../http/metadata.js'
import type { Claims } from '../token/compact-jws.js'
import {
  closeIssuer,
  type Issuer,
  type IssuerSource,
  type TokenIntrospection,
  untrustedIssuer,
} from './issuer.js'
import { isIssuerOfSomeTenant, isIssuerOfTenant } from './providers/entra-tenant.js'

export class ConfiguredIssuers implements IssuerSource {
  readonly dependsOnContext = false
  readonly #issuers: readonly Issuer[]
  readonly #byIdentifier: ReadonlyMap<string, Issuer>
  readonly #templates: readonly Issuer[]
  /** Issuers with introspection. The issuer with `opaqueTokens: 'any'` is last. */
  readonly #introspecting: readonly Issuer[]
  readonly #identifiers: string

  constructor(issuers: readonly Issuer[]) {
    this.#issuers = issuers
    this.#byIdentifier = new Map(issuers.map((issuer) => [issuer.issuer, issuer]))
    this.#templates = issuers.filter(({ issuer }) => isTenantTemplate(issuer))
    // Issuers with a function that recognizes their tokens come first, whatever their order in the
    // options.
    this.#introspecting = issuers
      .filter(({ introspection }) => introspection !== undefined)
      .sort((a, b) => rank(a) - rank(b))
    this.#identifiers = [...this.#byIdentifier.keys()].join(' or ')
  }

  /**
   * Returns the issuer, or an `InvalidTokenError` if it is not trusted. Synchronous, without I/O.
   */
  resolve(claims: Claims): Result<Issuer> {
    const iss = ownMember(claims, 'iss')
    const named = typeof iss === 'string' ? this.#byIdentifier.get(iss) : undefined
    if (named !== undefined && !this.#templates.includes(named)) return named
    const template = this.#templates.find(({ issuer }) => isIssuerOfTenant(issuer, claims))
    return template ?? untrustedIssuer(this.#identifiers, iss)
  }

  get trustsSeveral(): boolean {
    return this.#issuers.length > 1 || this.#templates.length > 0
  }

  stillTrusts(): boolean {
    return true
  }

  /** Does nothing: no configured issuer is ever evicted. */
  admit(): void {}

  mayTrust(iss: string): boolean {
    return (
      (this.#byIdentifier.has(iss) && !isTenantTemplate(iss)) ||
      this.#templates.some(({ issuer }) => isIssuerOfSomeTenant(issuer, iss))
    )
  }

  forOpaqueToken(token: string): Issuer | undefined {
    return this.#introspecting.find(
      ({ introspection }) => introspection !== undefined && mayHaveIssued(token, introspection),
    )
  }

  issuers(): readonly Issuer[] {
    return this.#issuers
  }

  async close(): Promise<void> {
    await Promise.all(this.#issuers.map(closeIssuer))
  }
}

function rank({ introspection }: Issuer): number {
  return introspection?.opaqueTokens === 'any' ? 1 : 0
}

/**
 * Whether the issuer may have issued the opaque token.
 *
 * @throws {TypeError} if the function of the application returns anything but a boolean, because a
 *   promise, for example, would be truthy for every token.
 * @throws {Error} if the function throws; see {@link applicationFailure}.
 */
function mayHaveIssued(
  token: string,
  { opaqueTokens }: Pick<TokenIntrospection, 'opaqueTokens'>,
): boolean {
  if (opaqueTokens === 'any') return !hasPartsOfJwt(token)
  if (opaqueTokens === 'none') return false
  let isAccepted: unknown
  try {
    isAccepted = suppressRejection(opaqueTokens(token))
  } catch (thrown) {
    throw applicationFailure('introspection.opaqueTokens', thrown)
  }
  if (typeof isAccepted === 'boolean') return isAccepted
  throw new TypeError(
    '"introspection.opaqueTokens" option must return true or false, not a promise',
  )
}

/** Whether the token has as many parts as a JWS or a JWE (RFC 7515 §3.1, RFC 7516 §3.1). */
function hasPartsOfJwt(token: string): boolean {
  const parts = token.split('.').length
  return parts === 3 || parts === 5
}
