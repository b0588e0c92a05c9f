/** The issuers that the options name: found by `iss` before anything is fetched. */
import { isIssuerOfTenant, isTenantTemplate } from './entra-tenant.js'
import {
  type Claims,
  closeIssuer,
  type Issuer,
  type IssuerSource,
  untrustedIssuer,
} from './issuer.js'

export class ConfiguredIssuers implements IssuerSource {
  readonly dependsOnContext = false
  readonly #issuers: readonly Issuer[]
  readonly #byName: ReadonlyMap<string, Issuer>
  readonly #templates: readonly Issuer[]
  readonly #asked: readonly Issuer[]
  readonly #names: string

  constructor(issuers: readonly Issuer[]) {
    this.#issuers = issuers
    this.#byName = new Map(issuers.map((issuer) => [issuer.issuer, issuer]))
    this.#templates = issuers.filter(({ issuer }) => isTenantTemplate(issuer))
    this.#asked = issuers.filter(({ introspection }) => introspection !== undefined)
    this.#names = [...this.#byName.keys()].join(' or ')
  }

  /** A stranger costs a look-up and touches nobody. */
  resolve(claims: Claims): Issuer {
    const { iss } = claims
    const named = typeof iss === 'string' ? this.#byName.get(iss) : undefined
    if (named !== undefined && !this.#templates.includes(named)) return named
    const template = this.#templates.find(({ issuer }) => isIssuerOfTenant(issuer, claims))
    if (template !== undefined) return template
    throw untrustedIssuer(this.#names, iss)
  }

  stillTrusts(): boolean {
    return true
  }

  ofOpaque(token: string): Issuer | undefined {
    return this.#asked.find(({ introspection }) => introspection?.isOpaque(token))
  }

  issuers(): readonly Issuer[] {
    return this.#issuers
  }

  async close(): Promise<void> {
    await Promise.all(this.#issuers.map(closeIssuer))
  }
}
