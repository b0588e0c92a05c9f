import { DPoP, type DPoPHandle, modifyAssertion } from 'oauth4webapi'
import type { DPoPKey } from './dpop-key.js'

/** Returns oauth4webapi's DPoP handle, which caches the newest nonce of each of 100 origins. */
export function createDPoPHandle({ algorithm, privateKey, publicKey }: DPoPKey): DPoPHandle {
  return DPoP(
    {},
    { privateKey, publicKey },
    {
      // EdDSA and Ed25519 name the same algorithm; the proof must use the name that the caller
      // chose, because some servers know only one of them.
      [modifyAssertion]: (header) => {
        header.alg = algorithm
      },
    },
  )
}
