/**
 * What differs between authorization servers: the format of their access tokens, and the rules for
 * issuers on their domains. Each provider is one file, listed in providers.ts: no other module
 * refers to a provider by its name.
 */
import type { ClaimReader } from '../../access-token/access-token.js'
import type { AccessTokenClaims } from '../../access-token/access-token-claims.js'
import type { Rejection } from '../../errors/result.js'
import type { TokenShape } from '../../token/claims.js'
import type { Claims } from '../../token/compact-jws.js'

export interface Provider {
  /** The value of the option `profile` that selects this provider; the name of its profile. */
  readonly name: string

  /** Returns how the provider writes access tokens for an API with these audiences. */
  readonly profile: (audience: ReadonlySet<string>) => ResolvedProfile

  /**
   * Whether `aud` may lack the API, so that `dangerouslyAudienceFrom` is allowed. Default false.
   */
  readonly mayOmitAudience?: boolean

  /**
   * Whether the URL is on a domain of the provider, whose profile then is the default. Absent for
   * software that runs on any domain; the members below need it.
   */
  readonly owns?: (url: URL) => boolean

  /**
   * Returns why no valid token has this issuer identifier in `iss`, with the fix; `undefined` if
   * one may. Startup then fails, instead of every token being rejected later.
   *
   * @param url the identifier, parsed: one that the provider owns.
   * @param isIntrospected whether the option `introspection` is set.
   */
  readonly issuerConfigError?: (
    url: URL,
    issuer: string,
    isIntrospected: boolean,
  ) => string | undefined

  /** Returns why no token of this issuer has one of these audiences; `undefined` if one may. */
  readonly audienceConfigError?: (url: URL, audience: ReadonlySet<string>) => string | undefined

  /** Whether only the issuer itself can verify its access tokens. Default false. */
  readonly introspectionOnly?: (url: URL) => boolean

  /** The issuer identifiers that trust every tenant of the provider, if it has any. */
  readonly tenants?: TenantTemplates

  /**
   * Returns what to do about a token of the provider from another issuer than `trusted`, which the
   * provider owns as well. For `explain`.
   */
  readonly otherIssuerAdvice?: (claims: Claims, trusted: string) => string
}

/** Issuer identifiers with `{tenantid}` in the place of a tenant. */
export interface TenantTemplates {
  /** Name of the provider in messages. */
  readonly vendor: string
  /** All of them. Messages give the first two as examples. */
  readonly templates: readonly string[]
}

/** A validated profile: built-in or custom. */
export interface ResolvedProfile extends TokenShape, ClaimReader {
  readonly name: string
  /**
   * @param keyIssuer the member `issuer` of the key's JWK.
   * @returns an `InvalidTokenError` if the key must not sign tokens with these claims.
   */
  readonly checkKey:
    | ((keyIssuer: unknown, claims: AccessTokenClaims) => Rejection | undefined)
    | undefined
}
