import { DPoP, type DPoPHandle, modifyAssertion } from 'oauth4webapi'
import type { DPoPKey } from './dpop-key.js'

/** oauth4webapi's maker of proofs, which remembers the newest nonce of each of 100 origins. */
export function proverWith({ algorithm, privateKey, publicKey }: DPoPKey): DPoPHandle {
  return DPoP(
    {},
    { privateKey, publicKey },
    {
      // One key has two names, EdDSA and Ed25519; servers that know one of them should get it.
      [modifyAssertion]: (header) => {
        header.alg = algorithm
      },
    },
  )
}
