/** Finds the key with which an issuer signed a token. */
import type { Algorithm } from '../base/algorithms.js'
import { InvalidTokenError } from '../errors/errors.js'
import { andThen, type MaybePromise, type Rejection, type StepResult } from '../errors/result.js'
import type { KeySource } from '../keys/key-source.js'
import type { VerificationKey } from '../keys/verification-key.js'
import type { Counters } from '../observability/statistics.js'
import type { CompactJws } from './compact-jws.js'
import { isSignedBy } from './signature.js'

type Keys = readonly VerificationKey[]

interface Search {
  readonly jws: CompactJws
  readonly algorithm: Algorithm
  readonly source: Pick<KeySource, 'find' | 'findNewer' | 'whyNot'>
  readonly counters: Counters
}

/**
 * Finds the key that verifies the signature of a token: a key with the token's `kid` or, for a
 * token without `kid`, any suitable key (RFC 7515 §4.1.4). Synchronous if no cached key is suitable
 * and none can be fetched, and for a cached secret of a MAC.
 *
 * @returns the key, or an `InvalidTokenError` if no key verifies the token. If the result is a
 *   promise, it rejects with that error instead.
 * @throws {KeysUnavailableError} if the key must be fetched and the issuer is unavailable; a
 *   promise rejects with it.
 */
export function findSigningKey(search: Search): StepResult<VerificationKey> {
  const { jws, algorithm, source } = search
  return andThen(source.find(algorithm, jws.header.kid), (keys) =>
    andThen(firstSigner(search, keys), (signer) => signer ?? findNewerSigner(search, keys)),
  )
}

/** Tries newer keys, because the issuer may have replaced a key, possibly under the same `kid`. */
function findNewerSigner(search: Search, tried: Keys): StepResult<VerificationKey> {
  const { jws, algorithm, source } = search
  if (tried.length === 0) return unknownKey(search)
  return andThen(source.findNewer(algorithm, jws.header.kid, tried), (newer) =>
    andThen(firstSigner(search, newer), (signer) => signer ?? invalidSignature()),
  )
}

/**
 * Returns the first key that verifies the token; `undefined` if none does. Several keys are tried
 * in the thread pool, so that they do not block other requests.
 */
function firstSigner(search: Search, keys: Keys): StepResult<VerificationKey | undefined> {
  const [key] = keys
  if (key === undefined) return undefined
  if (keys.length > 1) return firstOfSeveral(search, keys)
  return andThen(isSigner(search, key, true), (valid) => (valid ? key : undefined))
}

async function firstOfSeveral(search: Search, keys: Keys): Promise<VerificationKey | undefined> {
  for (const key of keys) {
    if (await isSigner(search, key, false)) return key
  }
  return undefined
}

function isSigner(
  { jws, algorithm, counters }: Search,
  key: VerificationKey,
  inline: boolean,
): MaybePromise<boolean> {
  counters.signatureVerifications++
  return isSignedBy(key, algorithm, jws, inline)
}

function unknownKey({ jws, algorithm, source }: Search): Rejection {
  return new InvalidTokenError('The access token is signed with an unknown key', {
    check: 'key',
    expected: 'a key that the issuer publishes, for the algorithm of the token',
    found: source.whyNot(algorithm, jws.header.kid),
  })
}

function invalidSignature(): Rejection {
  return new InvalidTokenError('The signature of the access token is invalid', {
    check: 'signature',
  })
}
