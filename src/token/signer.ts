/** Which of an issuer's keys signed a token. */
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
  readonly source: KeySource
  readonly counters: Counters
}

/**
 * The key that verifies the token: of those with its `kid`, or without one of all that fit (RFC 7515
 * §4.1.4). At once where the key is at hand and quick.
 *
 * @returns an `InvalidTokenError`, or rejects with it, if there is none.
 * @throws {KeysUnavailableError} or rejects with it, if the issuer can't be asked for a key that
 *   isn't at hand.
 */
export function findSigner(search: Search): StepResult<VerificationKey> {
  const { jws, algorithm, source } = search
  return andThen(source.find(algorithm, jws.header.kid), (keys) =>
    andThen(firstSigner(search, keys), (signer) => signer ?? findNewerSigner(search, keys)),
  )
}

/** No cached key verifies the token: the issuer may have replaced one, also under the same `kid`. */
function findNewerSigner(search: Search, tried: Keys): StepResult<VerificationKey> {
  const { jws, algorithm, source } = search
  if (tried.length === 0) return unknownKey(search)
  return andThen(source.findNewer(algorithm, jws.header.kid, tried), (newer) =>
    andThen(firstSigner(search, newer), (signer) => signer ?? badSignature()),
  )
}

/** Several keys are tried off the main thread, so that their number holds nobody up. */
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
  atOnce: boolean,
): MaybePromise<boolean> {
  counters.signatureVerifications++
  return isSignedBy(key, algorithm, jws, atOnce)
}

function unknownKey({ jws, algorithm, source }: Search): Rejection {
  return new InvalidTokenError('The access token is signed with an unknown key', {
    check: 'key',
    expected: 'a key that the issuer publishes, for the algorithm of the token',
    found: source.whyNot(algorithm, jws.header.kid),
  })
}

function badSignature(): Rejection {
  return new InvalidTokenError('The signature of the access token is not valid', {
    check: 'signature',
  })
}
