/**
 * Creates the trusted issuers, from the options or from the results of the function `issuer`. Each
 * issuer has its keys and, if configured, its introspection client (RFC 7662, RFC 9701). Failures
 * of both are logged.
 */
import { isSymmetric } from '../base/algorithms.js'
import { unwrap } from '../errors/result.js'
import { metadataUrls } from '../http/metadata.js'
import { createIntrospector } from '../introspection/create-introspector.js'
import type { IntrospectionFailure } from '../introspection/introspection-failure.js'
import { ConfiguredIssuers } from '../issuer/configured-issuers.js'
import {
  type Issuer,
  type IssuerSource,
  resolveAlgorithm,
  type TokenIntrospection,
} from '../issuer/issuer.js'
import type { ResolvedKeys } from '../issuer/keys-option.js'
import type { ResolvedIssuer } from '../issuer/options.js'
import { SharedKeySets } from '../issuer/shared-key-sets.js'
import { TenantIssuers } from '../issuer/tenant-issuers.js'
import type { FetchedKeys } from '../keys/fetch-reports.js'
import type { JwksCache } from '../keys/jwks-cache.js'
import { type DiscoveredJwksOptions, discoveredJwks } from '../keys/jwks-discovery.js'
import { listOfSkipped, type SkippedKey } from '../keys/key-set.js'
import type { KeySource } from '../keys/key-source.js'
import { KeysWithSecret } from '../keys/keys-with-secret.js'
import { PersistedKeys } from '../keys/persisted-keys.js'
import { noKeys, sharedSecret, staticKeySet } from '../keys/static-keys.js'
import { warnOnce } from '../observability/reports.js'
import type { Counters } from '../observability/statistics.js'
import { parseCompactJws, withClaims } from '../token/compact-jws.js'
import { findSigningKey } from '../token/find-signing-key.js'
import { KnownHeaders } from '../token/known-headers.js'
import type { ResolvedOptions } from './options.js'

export async function assembleIssuers(
  options: ResolvedOptions,
  counters: Counters,
): Promise<IssuerSource> {
  const { issuers, monotonicNow, logger } = options
  if (issuers.from === 'options') {
    const assembling = issuers.issuers.map((issuer) => {
      warnOfWeakening(issuer, (message) => logger.warn({ issuer: issuer.issuer }, message))
      return assembleIssuer(issuer, options, counters)
    })
    return new ConfiguredIssuers(await Promise.all(assembling))
  }
  // The warning names no tenant, because thousands of tenants may have the same options.
  const warn = warnOnce(logger)
  warnOfWeakening(issuers, warn)
  const sets = new SharedKeySets(issuers.maxEntries)
  return new TenantIssuers({
    ...issuers,
    callResolver: issuers.callResolver,
    now: monotonicNow,
    assemble: async (iss, answer) => {
      const resolved = issuers.resolve(iss, answer)
      warnOfWeakening(resolved, warn)
      return assembleIssuer(resolved, options, counters, sets)
    },
    closeKeySets: () => sets.close(),
  })
}

function warnOfWeakening(
  {
    claimsInsteadOfAudience: claims,
    secretWithKeys,
  }: Pick<ResolvedIssuer, 'claimsInsteadOfAudience'> & Partial<ResolvedIssuer>,
  warn: (message: string) => void,
): void {
  if (secretWithKeys !== undefined) warn('tokens signed with "secret" are accepted beside keys')
  if (claims === undefined) return
  warn(
    claims.size === 0
      ? 'no audience is compared; every access token of the issuer is accepted'
      : 'no audience is compared; every access token with the required claims is accepted',
  )
}

async function assembleIssuer(
  resolved: ResolvedIssuer,
  options: ResolvedOptions,
  counters: Counters,
  sets?: SharedKeySets,
): Promise<Issuer> {
  const { issuer, profile, audience, claimsInsteadOfAudience, requiredClaims } = resolved
  const keys = await assembleKeys(resolved, options, sets)
  return {
    issuer,
    algorithms: resolved.algorithms,
    profile,
    requiredClaims,
    expectations: { audience, claimsInsteadOfAudience, ...profile },
    keys,
    introspection: await assembleIntrospection(resolved, keys, options, counters),
  }
}

/** Returns `Core.namedIssuers`. */
export function namedIssuers({
  issuers,
}: ResolvedOptions): ReadonlyMap<string, string | undefined> {
  if (issuers.from === 'application') return new Map()
  return new Map(
    issuers.issuers.map(({ issuer, keys }) => {
      const isDiscovered = keys.from === 'remote' && keys.jwksUri === undefined
      return [issuer, isDiscovered ? metadataUrls(issuer)[0] : undefined]
    }),
  )
}

/** @param sets shares key sets among tenants; `undefined` unless `issuer` is a function. */
async function assembleKeys(
  resolved: ResolvedIssuer,
  options: ResolvedOptions,
  sets: SharedKeySets | undefined,
): Promise<KeySource> {
  const { issuer, keys, secretWithKeys, introspection, introspectionOnly } = resolved
  // Signed introspection responses need the issuer's keys even if its tokens are not verified here.
  if (introspectionOnly && !introspection?.requireSignedResponse) return noKeys(issuer)
  if (keys.from === 'secret') return secretOf(resolved, keys.secret)
  const source = await assembleKeySet(issuer, keys, options, sets)
  if (secretWithKeys === undefined) return source
  return new KeysWithSecret(source, secretOf(resolved, secretWithKeys))
}

function secretOf({ issuer, algorithms }: ResolvedIssuer, secret: Uint8Array): KeySource {
  return sharedSecret(issuer, secret, [...algorithms].filter(isSymmetric))
}

/**
 * @param sets shares key sets among tenants; `undefined` unless `issuer` is a function.
 * @param discover discovers the URL of a remote key set. Default: as for authorization servers.
 */
export async function assembleKeySet(
  issuer: string,
  keys: Exclude<ResolvedKeys, { from: 'secret' }>,
  options: ResolvedOptions,
  sets?: SharedKeySets,
  discover?: DiscoveredJwksOptions['discover'],
): Promise<KeySource> {
  if (keys.from === 'static') {
    return staticKeySet(issuer, keys.jwks, keys.maxKeys, reportSkipped(issuer, options))
  }
  const create = () => assembleRemoteKeys(issuer, keys, options, discover)
  return sets === undefined ? create() : sets.share(issuer, keys, create)
}

function reportSkipped(issuer: string, { logger }: ResolvedOptions) {
  return (skipped: readonly SkippedKey[]) =>
    logger.warn(
      { issuer, keys: listOfSkipped(skipped) },
      'JWKS has unusable keys; tokens signed with them are rejected',
    )
}

function reportFetched(issuer: string, { issuers, logger }: ResolvedOptions) {
  return ({ isFirst, failedForMs, added, removed }: FetchedKeys) => {
    if (failedForMs !== undefined) {
      logger.info(
        { issuer, failedForMilliseconds: Math.round(failedForMs) },
        'JWKS fetch recovered; tokens are verified with fresh keys',
      )
    }
    if (!isFirst) {
      if (added.length + removed.length === 0) return
      logger.info(
        { issuer, added, removed },
        'JWKS changed; tokens signed with added keys are accepted, those with removed keys rejected',
      )
    } else if (failedForMs === undefined && issuers.from === 'options') {
      // A function may resolve thousands of issuers, whose first fetch is no news.
      logger.info({ issuer, keys: added }, 'JWKS fetched; tokens of this issuer can be verified')
    }
  }
}

function assembleRemoteKeys(
  issuer: string,
  keys: Extract<ResolvedKeys, { from: 'remote' }>,
  options: ResolvedOptions,
  discover: DiscoveredJwksOptions['discover'],
): JwksCache {
  const { issuers, monotonicNow, logger } = options
  const { store, ...jwks } = keys.jwks
  const saved =
    store === undefined
      ? undefined
      : new PersistedKeys({
          store,
          issuer,
          jwksUri: keys.jwksUri,
          maxKeys: jwks.maxKeys,
          timeout: jwks.timeout,
          onFailure: (what, err) =>
            logger.warn(
              { err, issuer },
              `key store ${what} failed; a restart during an issuer outage would start without keys`,
            ),
          onRecovery: () => logger.info({ issuer }, 'key store recovered; fetched keys are saved'),
        })
  return discoveredJwks({
    ...jwks,
    issuer,
    jwksUri: keys.jwksUri,
    allowHttp: keys.allowHttp,
    ...(discover && { discover }),
    persisted: saved,
    // A function may resolve thousands of issuers, few of which have traffic: unused key sets are
    // refreshed only for issuers in the options.
    refreshUnused: issuers.from === 'options',
    now: monotonicNow,
    onSkipped: reportSkipped(issuer, options),
    onFetched: reportFetched(issuer, options),
    onFailure: (err, retryIn, usableFor) =>
      logger.warn(
        {
          err,
          issuer,
          retryInMilliseconds: Math.round(retryIn),
          keysUsableForMilliseconds: Math.round(usableFor),
        },
        usableFor > 0
          ? 'JWKS fetch failed; serving cached keys'
          : 'JWKS fetch failed and no keys are cached; tokens of this issuer get 503',
      ),
  })
}

/**
 * Maximum length of a signed introspection response, in characters. An unsigned response may have
 * as many bytes.
 */
const MAX_RESPONSE_LENGTH = 65_536

async function assembleIntrospection(
  { issuer, algorithms, audience, introspection, introspectionOnly, allowHttp }: ResolvedIssuer,
  keys: KeySource,
  { stores, now, monotonicNow, logger }: ResolvedOptions,
  counters: Counters,
): Promise<TokenIntrospection | undefined> {
  if (introspection === undefined) return undefined
  const shared = stores.introspection && {
    ...stores.introspection,
    clientId: introspection.client.clientId,
    onFailure: (err: unknown) =>
      logger.warn(
        { err, issuer },
        'shared introspection cache failed; introspecting on this instance only',
      ),
    onRecovery: (failedForMs: number) =>
      logger.info(
        { issuer, failedForMilliseconds: Math.round(failedForMs) },
        'shared introspection cache recovered; responses are shared again',
      ),
  }
  const introspector = await createIntrospector({
    ...introspection,
    issuer,
    audience,
    allowHttp,
    now,
    monotonicNow,
    shared,
    verifySignature: async (jwt) => {
      const jws = unwrap(parseCompactJws(jwt, MAX_RESPONSE_LENGTH, new KnownHeaders()))
      const algorithm = unwrap(resolveAlgorithm({ algorithms }, jws.header.alg))
      unwrap(await findSigningKey({ jws, algorithm, source: keys, counters }))
      return unwrap(withClaims(jws))
    },
    onFailure: (err: IntrospectionFailure, retryIn) => {
      const details = { err, issuer, retryInMilliseconds: Math.round(retryIn) }
      logger[err.level](details, 'token introspection failed')
    },
    onRecovery: (failedForMs) =>
      logger.info(
        { issuer, failedForMilliseconds: Math.round(failedForMs) },
        'token introspection recovered; tokens are introspected again',
      ),
    onOnlyInactive: () =>
      logger.error(
        { issuer },
        'the first ten valid JWTs are inactive at the issuer, so requests with them get 401; it may require "introspection.clientId" in "aud" (Keycloak since 26.6.2): add an Audience mapper for that client',
      ),
  })
  const { mode, claims, opaqueTokens } = introspection
  return { mode, claims, isRequired: introspectionOnly, opaqueTokens, introspector }
}
