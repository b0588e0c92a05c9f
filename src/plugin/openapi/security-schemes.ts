/**
 * Adds the security schemes to an OpenAPI document: one for each issuer of tokens, and one for each
 * type of proof of possession.
 */
import type { GuardedContext } from '../guarded-contexts.js'
import type { RouteGuard } from '../route-guard.js'

export type Proof = 'dpop' | 'mutualTLS'

export interface NamedScheme {
  readonly name: string
  /**
   * Whether a security requirement may list scopes for this scheme: OpenAPI 3.0 allows that only
   * for `oauth2` and `openIdConnect`.
   */
  readonly listsScope: boolean
  /** Whether the scheme has the type `http`, which uses the `Authorization` header. */
  readonly isHttp: boolean
}

/** The schemes that the security requirements of a route may name. */
export interface NamedSchemes {
  readonly issuers: readonly NamedScheme[]
  readonly supportsProof: (proof: Proof) => boolean
}

/** The members of an OpenAPI document that this module reads or changes. */
export interface OpenApiDocument {
  readonly openapi: string
  readonly components: { securitySchemes?: Readonly<Record<string, object>> }
  readonly security?: readonly object[]
}

const PROOFS: Readonly<Record<Proof, object>> = {
  dpop: {
    type: 'http',
    scheme: 'dpop',
    description: 'An access token that is bound to a key, with a DPoP proof (RFC 9449).',
  },
  mutualTLS: {
    type: 'mutualTLS',
    description: 'The client certificate that the access token is bound to (RFC 8705).',
  },
}

export class SecuritySchemes {
  readonly #contexts: () => readonly GuardedContext[]
  #names: ReadonlyMap<string, string> | undefined

  constructor(contexts: () => readonly GuardedContext[]) {
    this.#contexts = contexts
  }

  /**
   * Adds the schemes of a route to the document and returns their names. Existing schemes are kept;
   * only the flows of an `oauth2` scheme get missing scopes.
   */
  addTo(
    document: OpenApiDocument,
    { namedIssuers }: GuardedContext,
    guard: RouteGuard,
  ): NamedSchemes {
    const existing = document.components.securitySchemes ?? {}
    const issuers = issuersOf(namedIssuers).map(([issuer, url]) => {
      const name = this.#nameOf(issuer)
      return [name, existing[name] ?? tokenScheme(issuer, url)] as const
    })
    const { allOf, anyOf } = guard.policy.scope.fixed
    const isOpenApi30 = /^3\.0\b/.test(document.openapi)
    const supportsProof = (proof: Proof) => proof !== 'mutualTLS' || !isOpenApi30
    const { dpop, mtls } = guard.binding
    const proofs = Object.entries({ dpop, mutualTLS: mtls })
      .filter(([proof, mode]) => mode !== 'off' && supportsProof(proof as Proof))
      .map(([proof]) => [proof, existing[proof] ?? PROOFS[proof as Proof]] as const)
    document.components.securitySchemes = {
      ...existing,
      ...Object.fromEntries(
        issuers.map(([name, scheme]) => [name, withScope(scheme, [...allOf, ...anyOf])]),
      ),
      ...Object.fromEntries(proofs),
    }
    return {
      issuers: issuers.map(([name, { type }]: readonly [string, { type?: unknown }]) => ({
        name,
        listsScope: !isOpenApi30 || type === 'oauth2' || type === 'openIdConnect',
        isHttp: type === 'http',
      })),
      supportsProof,
    }
  }

  /**
   * Returns the name of an issuer's scheme. The names are `accessToken`, `accessToken2` and so on,
   * in the order in which the contexts were registered and their options list the issuers.
   */
  #nameOf(issuer: string): string {
    this.#names ??= new Map(
      [
        ...new Set(
          this.#contexts().flatMap((context) =>
            issuersOf(context.namedIssuers).map(([issuer]) => issuer),
          ),
        ),
      ].map((issuer, i) => [issuer, i === 0 ? 'accessToken' : `accessToken${i + 1}`]),
    )
    return this.#names.get(issuer) as string
  }
}

/**
 * Returns each issuer with the URL of its metadata; see `Core.namedIssuers`. If `issuer` is a
 * function, its issuers are not known in advance, so they share one scheme: the result is a single
 * entry with an empty issuer.
 */
function issuersOf(
  namedIssuers: GuardedContext['namedIssuers'],
): readonly (readonly [string, string | undefined])[] {
  return namedIssuers.size === 0 ? [['', undefined]] : [...namedIssuers]
}

function tokenScheme(issuer: string, url: string | undefined): object {
  const description = issuer === '' ? 'An access token.' : `An access token from ${issuer}.`
  return url === undefined
    ? { type: 'http', scheme: 'bearer', description }
    : { type: 'openIdConnect', openIdConnectUrl: url, description }
}

/**
 * Adds missing scopes to each flow of an `oauth2` scheme, because a flow must list every scope that
 * routes require. Returns any other scheme unchanged.
 */
function withScope(scheme: { type?: string; flows?: object }, scope: readonly string[]): object {
  if (scheme.type !== 'oauth2' || scheme.flows === undefined) return scheme
  const flows = Object.entries(scheme.flows).map(([grant, flow]) => {
    const missing = Object.fromEntries(scope.map((token) => [token, '']))
    return [grant, { ...flow, scopes: { ...missing, ...flow.scopes } }]
  })
  return { ...scheme, flows: Object.fromEntries(flows) }
}
