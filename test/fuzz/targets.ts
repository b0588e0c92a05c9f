/** Everything that comes from outside, in the order in which it is played. */
import type { Target } from './target.js'
import { authorization } from './targets/authorization.js'
import { certificates } from './targets/certificates.js'
import { introspection } from './targets/introspection.js'
import { json } from './targets/json.js'
import { keySets } from './targets/key-sets.js'
import { metadata } from './targets/metadata.js'
import { options } from './targets/options.js'
import { proofs } from './targets/proofs.js'
import { signedIntrospection } from './targets/signed-introspection.js'
import { tokenEndpoint } from './targets/token-endpoint.js'
import { tokens } from './targets/tokens.js'

export const TARGETS: readonly Target[] = [
  tokens,
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
