/**
 * Creates the trusted issuers, from the options or from the results of the function `issuer`. Each
 * issuer has its keys and, if configured, its introspection client (RFC 7662, RFC 9701), whose
 * failures are logged.
 */
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
import type { ResolvedIssuer } from '../issuer/options.js'
import { SharedKeySets } from '../issuer/shared-key-sets.js'
import { TenantIssuers } from '../issuer/tenant-issuers.js'
import type { KeySource } from '../keys/key-source.js'
import { warnOnce } from '../observability/reports.js'
import type { Counters } from '../observability/statistics.js'
import { parseCompactJws, withClaims } from '../token/compact-jws.js'
import { findSigningKey } from '../token/find-signing-key.js'
import { KnownHeaders } from '../token/known-headers.js'
import { assembleKeys } from './key-assembly.js'
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
