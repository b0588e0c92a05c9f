/** Defines and validates the options of a resource server. */

import {
  resolveScopeImplies,
  type ScopeHierarchy,
  type ScopeImplications,
} from '../access-token/scope-hierarchy.js'
import { numberIn, reject, requireKnownKeys } from '../base/check.js'
import { type MtlsOption, type ResolvedMtls, resolveMtls } from '../binding/certificate/options.js'
import { type DPoPOption, type ResolvedDPoP, resolveDPoP } from '../binding/dpop/options.js'
import {
  type DecryptionOptions,
  type ResolvedDecryption,
  resolveDecryption,
} from '../decryption/options.js'
import { isQuotable } from '../errors/www-authenticate.js'
import {
  type IssuerResolver,
  type ResolvedIssuers,
  resolveIssuers,
  type TenantsOptions,
} from '../issuer/issuers-option.js'
import { ISSUER_OPTIONS, type IssuerOptions } from '../issuer/options.js'
import { type Logger, resolveLogger, type SafeLogger } from '../observability/safe-logger.js'
import { type Clocks, resolveClocks } from '../pipeline/clocks.js'
import {
  type ResolvedTokenCache,
  resolveTokenCache,
  type TokenCacheOptions,
} from '../pipeline/options.js'
import {
  type ResolvedRevocations,
  type RevocationsOptions,
  resolveRevocations,
} from '../revocation/options.js'
import type { SecurityEventFeed } from '../security-events/feed-options.js'
import { type ResolvedFeed, resolveFeeds } from '../security-events/resolve-feeds.js'
import { type ResolvedStores, resolveStores, type StoresOptions } from '../stores/options.js'
import { EQUIVALENT_OPTIONS } from './equivalent-options.js'
import {
  type ResolvedResourceMetadata,
  type ResourceMetadataOptions,
  resolveResourceMetadata,
} from './resource-metadata-option.js'

/**
 * Options of a resource server. Options of an issuer that are set here are the defaults for every
 * issuer. The exceptions are `jwksUri`, `jwks.keys`, `secret` and `introspection`, which belong to
 * one issuer: they may be set here only if `issuer` is a single issuer.
 *
 * Times that concern tokens, proofs and nonces are in seconds, like NumericDate (RFC 7519 §2).
 * Durations of timers and caches are in milliseconds.
 *
 * @example
 * ```ts
 * const server = await createResourceServer({
 *   issuer: 'https://login.example.com',
 *   audience: 'https://api.example.com',
 *   clockTolerance: 10,
 *   logger: console,
 * })
 * ```
 */
export interface ResourceServerOptions extends Omit<IssuerOptions, 'issuer'> {
  /**
   * The trusted authorization servers: one or more issuer identifiers or objects with options. For
   * multi-tenant APIs, a function that decides whether the issuer of a token is trusted; see
   * {@link IssuerResolver}.
   */
  issuer: string | IssuerOptions | readonly (string | IssuerOptions)[] | IssuerResolver

  /** Options for the cached results of `issuer`, if it is a function. */
  tenants?: TenantsOptions

  /**
   * Whether tokens that are bound to a client's key are accepted, with a DPoP proof (RFC 9449):
   * `'allowed'`, `'required'`, or an object with options. Default `false`: key-bound tokens are
   * rejected.
   */
  dpop?: DPoPOption

  /**
   * Whether tokens that are bound to a client's certificate are accepted, over mutual TLS (RFC 8705
   * §3): `'allowed'`, `'required'`, or an object with options. Default `false`: certificate-bound
   * tokens are rejected.
   */
  mtls?: MtlsOption

  /**
   * The URL of this API, or an object with options: enables protected resource metadata (RFC 9728),
   * from which clients learn where to get a token, as MCP requires. The plugin serves the metadata,
   * and every challenge names its URL. Default: no metadata.
   */
  resourceMetadata?: string | ResourceMetadataOptions

  /**
   * Scope tokens that a broader one implies, transitively: `{ orders: ['orders:read'] }` accepts
   * the scope `orders` where a route requires `orders:read`. `scope` of a token, the metadata and
   * the challenges are unchanged. Cycles are rejected. Default: none.
   */
  scopeImplies?: ScopeImplications

  /**
   * Options for revocations (`revoke()`): their maximum number, and how tokens are handled until
   * the stored revocations are loaded.
   */
  revocations?: RevocationsOptions

  /**
   * Feeds of security events: transmitters of the Shared Signals Framework that report ended
   * sessions, disabled users and other changes, upon which tokens are revoked; see
   * {@link ResourceServer.receive}. Default: none.
   */
  securityEvents?: SecurityEventFeed | readonly SecurityEventFeed[]

  /** Stores that all instances of the API share. Default: each instance keeps its own state. */
  stores?: StoresOptions

  /**
   * Tolerated difference between the clock of this instance and that of an issuer or a client, in
   * whole seconds. Applies to `exp`, `nbf`, `iat` and `auth_time` of tokens, and to `iat` of DPoP
   * proofs. Default 30; 0 to 300. RFC 7519 §4.1.4.
   */
  clockTolerance?: number

  /**
   * Maximum time since the `iat` of a token, in whole seconds, even if its `exp` is later;
   * `clockTolerance` is added. 1 to 31,536,000 (a year). With this option, a token without `iat` is
   * rejected. Default: no limit except `exp`.
   */
  maxTokenAge?: number

  /**
   * Maximum length of a token, in characters; longer tokens are rejected before they are parsed.
   * Default 8,192; 256 to 65,536. Claims that are costly to parse (many members, or lists of
   * groups) are parsed only after the signature is verified. Therefore a higher limit hardly raises
   * the cost of forged tokens, which `npm run bench -- --rows 'hostile-*'` measures.
   */
  maxTokenLength?: number

  /**
   * Options for encrypted access tokens, with the private keys of this API (RFC 9068 §4, RFC 7516).
   * Default: encrypted tokens are rejected.
   */
  decryption?: DecryptionOptions

  /**
   * The protection space that the challenge names (RFC 9110 §11.5): a non-empty string of printable
   * ASCII without quotation marks or backslashes. Default `api`.
   */
  realm?: string

  /**
   * Options for the cache of verified tokens; `false` disables it. Each use of a cached token
   * compares the whole token, and checks its times, its revocation and whether its key is still
   * trusted, so that the result is the same as without the cache. Default `{ maxEntries: 10_000,
   * maxBytes: 67_108_864 }`; both limits apply.
   */
  tokenCache?: false | TokenCacheOptions

  /**
   * For tests: returns the time in milliseconds since the epoch, for token times and for timers. If
   * it throws or does not return such a number, requests get a 500. Default: `Date.now` for token times,
   * and a monotonic clock for timers.
   */
  now?: () => number

  /**
   * Receives log lines about problems for the operator, such as failed fetches of key sets. An
   * exception or a rejected promise of the logger is ignored. Default: no logger.
   */
  logger?: Logger
}

const OWN_OPTIONS = [
  'tenants',
  'dpop',
  'mtls',
  'resourceMetadata',
  'scopeImplies',
  'revocations',
  'securityEvents',
  'stores',
  'clockTolerance',
  'maxTokenAge',
  'maxTokenLength',
  'decryption',
  'realm',
  'tokenCache',
  'now',
  'logger',
] as const satisfies readonly (keyof ResourceServerOptions)[]

export const RESOURCE_SERVER_OPTIONS = [...ISSUER_OPTIONS, ...OWN_OPTIONS] as const

/** Validated {@link ResourceServerOptions}, with every default filled in. */
export interface ResolvedOptions extends Clocks {
  readonly issuers: ResolvedIssuers
  readonly limits: { readonly clockTolerance: number; readonly maxTokenAge: number | undefined }
  readonly maxTokenLength: number
  readonly decryption: ResolvedDecryption | undefined
  readonly realm: string
  readonly tokenCache: ResolvedTokenCache | undefined
  readonly dpop: ResolvedDPoP | undefined
  readonly mtls: ResolvedMtls | undefined
  readonly resourceMetadata: ResolvedResourceMetadata | undefined
  readonly hierarchy: ScopeHierarchy | undefined
  readonly revocations: ResolvedRevocations
  readonly feeds: readonly ResolvedFeed[]
  readonly stores: ResolvedStores
  readonly logger: SafeLogger
}

/** @throws {TypeError} if an option is invalid; the message names the option and the fix. */
export function resolveOptions(given: ResourceServerOptions): ResolvedOptions {
  const options = requireKnownKeys(
    'a resource server',
    given,
    RESOURCE_SERVER_OPTIONS,
    EQUIVALENT_OPTIONS,
  )
  const { maxTokenAge } = options
  const stores = resolveStores(options.stores)
  const issuers = resolveIssuers(options)
  requireIntrospection(issuers, stores)
  return Object.freeze({
    issuers,
    limits: Object.freeze({
      clockTolerance: numberIn('clockTolerance', options.clockTolerance ?? 30, {
        minimum: 0,
        maximum: 300,
        unit: 'seconds',
      }),
      maxTokenAge:
        maxTokenAge === undefined
          ? undefined
          : numberIn('maxTokenAge', maxTokenAge, {
              minimum: 1,
              maximum: 31_536_000,
              unit: 'seconds',
            }),
    }),
    maxTokenLength: numberIn('maxTokenLength', options.maxTokenLength ?? 8_192, {
      minimum: 256,
      maximum: 65_536,
      unit: 'characters',
    }),
    decryption: resolveDecryption(options.decryption),
    realm: resolveRealm(options.realm),
    tokenCache: resolveTokenCache(options.tokenCache),
    dpop: resolveDPoP(options.dpop),
    mtls: resolveMtls(options.mtls),
    resourceMetadata: resolveResourceMetadata(options.resourceMetadata),
    hierarchy: resolveScopeImplies(options.scopeImplies),
    revocations: resolveRevocations(options.revocations, stores),
    feeds: resolveFeeds(options.securityEvents),
    stores,
    ...resolveClocks(options.now),
    logger: resolveLogger(options.logger),
  })
}

/**
 * Requires at least one issuer with `introspection` if `stores.introspection` is set. Not checked
 * if `issuer` is a function, because its issuers are not known yet.
 *
 * @throws {TypeError} if no issuer has `introspection`.
 */
function requireIntrospection(issuers: ResolvedIssuers, { introspection }: ResolvedStores): void {
  if (introspection === undefined || issuers.from === 'application') return
  if (issuers.issuers.some((issuer) => issuer.introspection !== undefined)) return
  reject('stores.introspection', 'has no effect without "introspection": set it, or omit the store')
}

function resolveRealm(realm: unknown = 'api'): string {
  if (typeof realm === 'string' && isQuotable(realm)) return realm
  return reject('realm', 'must be printable ASCII without quotation marks or backslashes')
}
