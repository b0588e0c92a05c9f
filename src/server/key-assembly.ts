/**
 * Creates the source of an issuer's keys: a fetched key set, static keys, a shared secret, or both a
 * key set and a secret. Logs failed fetches, changed keys and unusable ones.
 */
import { isSymmetric } from '../base/algorithms.js'
import type { ResolvedKeys } from '../issuer/keys-option.js'
import type { ResolvedIssuer } from '../issuer/options.js'
import type { SharedKeySets } from '../issuer/shared-key-sets.js'
import type { FetchedKeys } from '../keys/fetch-reports.js'
import type { JwksCache } from '../keys/jwks-cache.js'
import { type DiscoveredJwksOptions, discoveredJwks } from '../keys/jwks-discovery.js'
import { listOfSkipped, type SkippedKey } from '../keys/key-set.js'
import type { KeySource } from '../keys/key-source.js'
import { KeysWithSecret } from '../keys/keys-with-secret.js'
import { PersistedKeys } from '../keys/persisted-keys.js'
import { noKeys, sharedSecret, staticKeySet } from '../keys/static-keys.js'
import type { ResolvedOptions } from './options.js'

/** @param sets shares key sets among tenants; `undefined` unless `issuer` is a function. */
export async function assembleKeys(
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
