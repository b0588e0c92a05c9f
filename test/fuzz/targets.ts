/** Everything that comes from outside. */
import type { Target } from './target.js'
import { json } from './targets/json.js'
import { tokens } from './targets/tokens.js'

export const TARGETS: readonly Target[] = [tokens, json]
