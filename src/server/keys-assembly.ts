/** Where the keys of an issuer come from, and what an operator is told when they don't. */
import { isSymmetric } from '../base/algorithms.js'
import type { ResolvedIssuer, ResolvedKeys } from '../issuer/options.js'
import type { SharedKeySets } from '../issuer/shared-key-sets.js'
import { givenKeySet, noKeys, sharedSecret } from '../keys/given-keys.js'
import { listOfSkipped, type SkippedKey } from '../keys/key-set.js'
import type { KeySource } from '../keys/key-source.js'
import { remoteKeySet } from '../keys/remote-key-set.js'
import type { RemoteKeys } from '../keys/remote-keys.js'
import { SavedKeys } from '../keys/saved-keys.js'
import type { ResolvedOptions } from './options.js'

/** @param sets the key sets to share, where a function names the issuers. */
export async function assembleKeys(
  resolved: ResolvedIssuer,
  options: ResolvedOptions,
  sets: SharedKeySets | undefined,
): Promise<KeySource> {
  const { issuer, algorithms, keys, introspection, onlyIntrospected } = resolved
  // Its answers may be signed even where its tokens are nobody's business.
  if (onlyIntrospected && !introspection?.signed) return noKeys(issuer)
  if (keys.from === 'secret') {
    return sharedSecret(issuer, keys.secret, [...algorithms].filter(isSymmetric))
  }
  if (keys.from === 'given') {
    return givenKeySet(issuer, keys.jwks, keys.maxKeys, tellSkipped(issuer, options))
  }
  const create = () => assembleRemoteKeys(issuer, keys, options)
  return sets === undefined ? create() : sets.share(issuer, keys, create)
}

function tellSkipped(issuer: string, { logger }: ResolvedOptions) {
  return (skipped: readonly SkippedKey[]) =>
    logger.warn(
      { issuer, keys: listOfSkipped(skipped) },
      'the key set of an issuer has keys that cannot be used; tokens signed with them are rejected',
    )
}

function assembleRemoteKeys(
  issuer: string,
  keys: Extract<ResolvedKeys, { from: 'remote' }>,
  options: ResolvedOptions,
): RemoteKeys {
  const { issuers, steadyNow, logger } = options
  const { store, ...jwks } = keys.jwks
  const saved =
    store === undefined
      ? undefined
      : new SavedKeys({
          store,
          issuer,
          jwksUri: keys.jwksUri,
          maxKeys: jwks.maxKeys,
          timeout: jwks.timeout,
          onFailure: (what, err) =>
            logger.warn(
              { err, issuer },
              `the store of key sets failed to ${what} one; it bridges no restart while the issuer is down`,
            ),
        })
  return remoteKeySet({
    ...jwks,
    issuer,
    jwksUri: keys.jwksUri,
    allowHttp: keys.allowHttp,
    saved,
    // A function as issuer may come to know thousands, of which few have traffic.
    refreshUnused: issuers.from === 'options',
    now: steadyNow,
    onSkipped: tellSkipped(issuer, options),
    onFailure: (err, retryIn, usableFor) =>
      logger.warn(
        {
          err,
          issuer,
          retryInMilliseconds: Math.round(retryIn),
          keysUsableForMilliseconds: Math.round(usableFor),
        },
        usableFor > 0
          ? 'the key set of an issuer could not be fetched; the keys at hand go on serving'
          : 'the key set of an issuer could not be fetched; there is none, so its tokens are answered with 503',
      ),
  })
}
