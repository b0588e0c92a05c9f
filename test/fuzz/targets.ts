/** Everything that comes from outside. */
import type { Target } from './target.js'
import { authorization } from './targets/authorization.js'
import { introspection } from './targets/introspection.js'
import { json } from './targets/json.js'
import { keySets } from './targets/key-sets.js'
import { proofs } from './targets/proofs.js'
import { tokens } from './targets/tokens.js'

export const TARGETS: readonly Target[] = [
  tokens,
  json,
  authorization,
  keySets,
  introspection,
  proofs,
]
