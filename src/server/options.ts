/** What may be said about the resource server as a whole, and its check. */

import { numberIn, reject, requireKnownKeys } from '../base/check.js'
import { type MtlsOption, type ResolvedMtls, resolveMtls } from '../binding/certificate/options.js'
import { type DPoPOption, type ResolvedDPoP, resolveDPoP } from '../binding/dpop/options.js'
import { isQuotable } from '../errors/challenge.js'
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
import { type ResolvedStores, resolveStores, type StoresOptions } from '../stores/options.js'
import {
  type ResolvedResourceMetadata,
  type ResourceMetadataOptions,
  resolveResourceMetadata,
} from './resource-metadata.js'

/**
 * Options of a resource server. What an issuer takes may stand here as well, and then holds for
 * every issuer that doesn't say otherwise; only its keys (`jwksUri`, `jwks.keys`, `secret`) belong
 * to a single one.
 */
export interface ResourceServerOptions extends Omit<IssuerOptions, 'issuer'> {
  /**
   * The authorization servers to trust: their names, or objects that say more. At least one. Or a
   * function that says of each issuer that a token names whether it is trusted, for an API with
   * tenants; see {@link IssuerResolver}.
   */
  issuer: string | IssuerOptions | readonly (string | IssuerOptions)[] | IssuerResolver

  /** How the answers of a function as `issuer` are kept. */
  tenants?: TenantsOptions

  /**
   * Whether tokens that are bound to a client's key are taken, with a proof of it (RFC 9449):
   * `'allowed'`, `'required'`, or an object that says more. Default `false`: a bound token is
   * refused.
   */
  dpop?: DPoPOption

  /**
   * Whether tokens that are bound to a client's certificate are taken, from a client that has its key
   * (RFC 8705 §3): `'allowed'`, `'required'`, or an object that says more. Default `false`: a bound
   * token is refused.
   */
  mtls?: MtlsOption

  /**
   * The URL of this API, or an object that says more: what a client needs to find out where to get a
   * token (RFC 9728). The plugin serves it, and every challenge names the place. MCP clients rely on
   * it. Default: none.
   */
  resourceMetadata?: string | ResourceMetadataOptions

  /** How many revocations (`revoke()`) are kept, and what is done until they are known. */
  revocations?: RevocationsOptions

  /** What instances share, and where. Default: nothing. */
  stores?: StoresOptions

  /**
   * How far the issuer's clock and ours may be apart, in seconds: for `exp`, `nbf` and `iat`.
   * Default 30; from 0 to 300.
   */
  clockTolerance?: number

  /**
   * The longest time since `iat`, in seconds, whatever `exp` says. A token without `iat` is then
   * refused. Default: no limit but `exp`.
   */
  maxTokenAge?: number

  /**
   * A longer token is refused unread. In characters. Default 8,192; from 256 to 65,536. Claims
   * that are costly to parse (many members, or lists of groups) are parsed only after the signature
   * was verified, so that a longer limit hardly raises the cost of forged tokens:
   * `node bench/hostile-json.js` measures it.
   */
  maxTokenLength?: number

  /** The protection space in the challenge (RFC 9110 §11.5). Default `api`. */
  realm?: string

  /**
   * Verified tokens are not verified again while they are kept: time, trust in their key and the
   * whole token are compared on each use, so the verdict is the one a fresh look would give. `false`
   * turns it off. Default `{ maxEntries: 10_000, maxBytes: 67_108_864 }`, whichever comes first.
   */
  tokenCache?: false | TokenCacheOptions

  /**
   * Returns the time in milliseconds since the epoch, for tests. Default `Date.now`. If it throws, or
   * returns no number, requests are answered with 500.
   */
  now?: () => number

  /**
   * Told of what an operator should know, such as key sets that can't be fetched. Whatever it throws,
   * or a promise that it returns rejects with, is ignored. Default: none.
   */
  logger?: Logger
}

const OWN_OPTIONS = [
  'tenants',
  'dpop',
  'mtls',
  'resourceMetadata',
  'revocations',
  'stores',
  'clockTolerance',
  'maxTokenAge',
  'maxTokenLength',
  'realm',
  'tokenCache',
  'now',
  'logger',
] as const satisfies readonly (keyof ResourceServerOptions)[]

export const RESOURCE_SERVER_OPTIONS = [...ISSUER_OPTIONS, ...OWN_OPTIONS] as const

/** {@link ResourceServerOptions} checked, with every default filled in. */
export interface ResolvedOptions extends Clocks {
  readonly issuers: ResolvedIssuers
  readonly limits: { readonly clockTolerance: number; readonly maxTokenAge: number | undefined }
  readonly maxTokenLength: number
  readonly realm: string
  readonly tokenCache: ResolvedTokenCache | undefined
  readonly dpop: ResolvedDPoP | undefined
  readonly mtls: ResolvedMtls | undefined
  readonly resourceMetadata: ResolvedResourceMetadata | undefined
  readonly revocations: ResolvedRevocations
  readonly stores: ResolvedStores
  readonly logger: SafeLogger
}

/** @throws {TypeError} that names the option and the fix. */
export function resolveOptions(given: ResourceServerOptions): ResolvedOptions {
  const options = requireKnownKeys('a resource server', given, RESOURCE_SERVER_OPTIONS)
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
    realm: resolveRealm(options.realm),
    tokenCache: resolveTokenCache(options.tokenCache),
    dpop: resolveDPoP(options.dpop),
    mtls: resolveMtls(options.mtls),
    resourceMetadata: resolveResourceMetadata(options.resourceMetadata),
    revocations: resolveRevocations(options.revocations, stores),
    stores,
    ...resolveClocks(options.now),
    logger: resolveLogger(options.logger),
  })
}

/** Of a function's issuers nobody knows yet. */
function requireIntrospection(issuers: ResolvedIssuers, { introspection }: ResolvedStores): void {
  if (introspection === undefined || issuers.from === 'application') return
  if (issuers.issuers.some((issuer) => issuer.introspection !== undefined)) return
  reject('stores.introspection', 'has no effect without "introspection"')
}

function resolveRealm(realm: unknown = 'api'): string {
  if (typeof realm === 'string' && isQuotable(realm)) return realm
  return reject('realm', 'must be printable ASCII without quotation marks and backslashes')
}
