/** All targets, in run order. */
import type { Target } from './target.js'
import { authorization } from './targets/authorization.fuzz.js'
import { certificates } from './targets/certificates.fuzz.js'
import { encryptedTokens } from './targets/encrypted-tokens.fuzz.js'
import { introspection } from './targets/introspection.fuzz.js'
import { json } from './targets/json.fuzz.js'
import { keySets } from './targets/key-sets.fuzz.js'
import { metadata } from './targets/metadata.fuzz.js'
import { options } from './targets/options.fuzz.js'
import { proofs } from './targets/proofs.fuzz.js'
import { signedIntrospection } from './targets/signed-introspection.fuzz.js'
import { tokenEndpoint } from './targets/token-endpoint.fuzz.js'
import { tokens } from './targets/tokens.fuzz.js'

export const TARGETS: readonly Target[] = [
  tokens,
  encryptedTokens,
  json,
  proofs,
  certificates,
  authorization,
  options,
  keySets,
  metadata,
  introspection,
  signedIntrospection,
  tokenEndpoint,
]
