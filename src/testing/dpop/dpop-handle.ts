import { DPoP, type DPoPHandle, modifyAssertion } from 'oauth4webapi'
import type { DPoPKey } from './dpop-key.js'

/**
 * Returns a DPoP handle of oauth4webapi. The handle creates proofs with the key and caches the
 * newest nonce of each origin, for at most 100 origins.
 */
export function createDPoPHandle({ algorithm, privateKey, publicKey }: DPoPKey): DPoPHandle {
  return DPoP(
    {},
    { privateKey, publicKey },
    {
      // `EdDSA` and `Ed25519` are two names of the same algorithm. The proof must contain the name
      // that the caller chose, because some servers accept only one of the names.
      [modifyAssertion]: (header) => {
        header.alg = algorithm
      },
    },
  )
}
