/**
 * Defines the interface of a provider: the format of its access tokens, and the rules for issuers
 * on its domains.
 *
 * To add a provider:
 *
 * 1. Write a file that exports a {@link Provider}; openiddict.ts is a short example. Its header
 *    says how access tokens differ from the provider's other tokens, and names public sources with
 *    the date of reading. If no source states a fact that the code relies on, the header says so.
 * 2. Build the {@link ResolvedProfile} from `standardProfile`, and replace only what differs.
 *    Reject the provider's other tokens with `notAnAccessToken` of src/token/claims.ts. Read claims
 *    with `ownMember` and the functions of claim-values.ts, so that no claim is inherited from a
 *    polluted `Object.prototype`.
 * 3. Add the name to `ProfileName` and `PROVIDERS` in providers.ts.
 * 4. Add a fixture to test/fixtures/providers, and a row and a section to docs/providers.md.
 */
import type { ClaimReader } from '../../access-token/claim-reader.js'
import type { Rejection } from '../../errors/result.js'
import type { TokenShape } from '../../token/claims.js'
import type { Claims } from '../../token/compact-jws.js'

export interface Provider {
  /** Value of the option `profile` that selects this provider, and the name of its profile. */
  readonly name: string

  /** Returns the profile of the provider's access tokens for an API with these audiences. */
  readonly profile: (audience: ReadonlySet<string>) => ResolvedProfile

  /**
   * Whether the provider may issue access tokens whose `aud` lacks this API. If true, the options
   * `dangerouslyAudienceFrom` and `dangerouslyNoAudience` are allowed. Default false.
   */
  readonly mayOmitAudience?: boolean

  /**
   * Returns the URL of the key set of an issuer, for a provider whose metadata is absent or
   * unusable; `undefined` if it is unknown, so that metadata is fetched. The options `jwksUri`,
   * `jwks.keys` and `secret` take precedence. Registration fails unless the URL has no query or
   * fragment and is spelled as URL parsers write it. A plain http URL is used only on loopback, or
   * with `dangerouslyAllowHttp`.
   *
   * @param issuer any string: not validated yet, and with a function as `issuer`, chosen by the
   *   caller. Derive a URL only from identifiers of the form that the provider documents.
   */
  readonly jwksUri?: (issuer: string) => string | undefined

  /**
   * Whether the URL is on a domain of the provider; if so, the provider's profile is the default.
   * Absent for software that runs on any domain. Must be set if any member below is set.
   */
  readonly owns?: (url: URL) => boolean

  /**
   * Returns why no valid token has this issuer identifier in `iss`, with the fix; `undefined` if a
   * token may have it. If a reason is returned, startup fails, because every token would be
   * rejected.
   *
   * @param url the parsed identifier, for which `owns` returned true.
   * @param isIntrospected whether the option `introspection` is set.
   */
  readonly issuerConfigError?: (
    url: URL,
    issuer: string,
    isIntrospected: boolean,
  ) => string | undefined

  /**
   * Returns why no token of this issuer has one of these audiences; `undefined` if a token may have
   * one.
   */
  readonly audienceConfigError?: (url: URL, audience: ReadonlySet<string>) => string | undefined

  /** Whether only the issuer itself can verify its access tokens. Default false. */
  readonly introspectionOnly?: (url: URL) => boolean

  /** Issuer identifiers that stand for every tenant of the provider; absent if there are none. */
  readonly tenants?: TenantTemplates

  /**
   * Returns advice for the command `explain` about a token from another issuer than `trusted`; both
   * issuers are on domains of the provider.
   */
  readonly otherIssuerAdvice?: (claims: Claims, trusted: string) => string
}

/** Issuer identifiers with `{tenantid}` in place of the tenant ID. */
export interface TenantTemplates {
  /** Name of the provider in messages. */
  readonly vendor: string
  /** All issuer identifiers with `{tenantid}`. Messages give the first two as examples. */
  readonly templates: readonly string[]
}

/**
 * A validated profile: built-in or custom. The members of {@link TokenShape} recognize access
 * tokens and their audience; those of {@link ClaimReader} read the members of `request.auth`.
 */
export interface ResolvedProfile extends TokenShape, ClaimReader {
  readonly name: string
  /**
   * Checks the use of a key; `undefined` if the provider has no such check.
   *
   * @param keyIssuer the member `issuer` of the key's JWK.
   * @returns an `InvalidTokenError` if the key must not sign tokens with these claims; otherwise
   *   `undefined`.
   */
  readonly checkKey: ((keyIssuer: unknown, claims: Claims) => Rejection | undefined) | undefined
}
