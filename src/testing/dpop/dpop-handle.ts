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
      // oauth4webapi writes "Ed25519" for every Ed25519 key. If the caller chose the older name
      // "EdDSA" (RFC 9864), the proof must contain that name, because some servers accept only it.
      [modifyAssertion]: (header) => {
        header.alg = algorithm
      },
    },
  )
}
