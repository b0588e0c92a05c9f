/** Where the keys of an issuer come from, and what an operator is told when they don't. */
import { isSymmetric } from '../algorithms.js'
import { remoteKeySet } from '../issuer/remote-key-set.js'
import { givenKeySet, noKeys, sharedSecret } from '../keys/given-keys.js'
import { listOfSkipped, type SkippedKey } from '../keys/key-set.js'
import type { KeySource } from '../keys/key-source.js'
import { SavedKeys } from '../keys/saved-keys.js'
import type { ResolvedIssuer } from '../options/issuer-options.js'
import type { ResolvedOptions } from '../options/resource-server-options.js'

export async function assembleKeys(
  { issuer, algorithms, keys, introspection, onlyIntrospected }: ResolvedIssuer,
  { issuers, steadyNow, logger }: ResolvedOptions,
): Promise<KeySource> {
  // Its answers may be signed even where its tokens are nobody's business.
  if (onlyIntrospected && !introspection?.signed) return noKeys(issuer)
  if (keys.from === 'secret') {
    return sharedSecret(issuer, keys.secret, [...algorithms].filter(isSymmetric))
  }
  const onSkipped = (skipped: readonly SkippedKey[]) =>
    logger.warn(
      { issuer, keys: listOfSkipped(skipped) },
      'the key set of an issuer has keys that cannot be used; tokens signed with them are rejected',
    )
  if (keys.from === 'given') return givenKeySet(issuer, keys.jwks, keys.maxKeys, onSkipped)
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
    onSkipped,
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
