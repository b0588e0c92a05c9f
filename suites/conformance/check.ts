/** What a check of the suite is: a rule of an RFC, the requests that show it, and its verdict. */
import type { Stage } from './stage/stage.js'

/**
 * Who asks for it: an RFC's MUST, an RFC's SHOULD, or we alone, who are stricter than the RFC (or
 * take the side of a draft).
 */
export type Level = 'MUST' | 'SHOULD' | 'ours'

/** What an API does, or lets be done to it; the checks that need more are `n/a` for it. */
export const FEATURES = {
  jwt: 'it takes no JWTs',
  credentials: 'it reads the Authorization header by itself',
  bearer: 'it takes no bearer tokens',
  es256: 'it takes no ES256',
  scope: 'it checks no scope',
  strict: 'it is not strict about RFC 9068',
  'step-up': 'it asks for no step-up',
  cors: 'it has no CORS',
  metadata: 'it publishes no resource metadata',
  opaque: 'it asks nobody about opaque tokens',
  'asks-always': 'it does not ask about JWTs',
  recheck: 'it asks about no JWT in the background',
  'signed-answers': 'it asks for no signed answers',
  dpop: 'DPoP is off',
  'dpop-off': 'DPoP is on',
  nonce: 'it asks for no DPoP nonce',
  mtls: 'certificates are off',
  'mtls-off': 'certificates are on',
  proxy: 'which proxy is trusted is not its matter',
  discovery: 'it is told where the keys are',
  anew: 'the suite cannot start it anew',
  clock: 'the suite cannot turn its clock',
  'password-grant': 'it is about the helper, not about an API',
} as const

export type Feature = keyof typeof FEATURES

export interface Check {
  /** A row's id in the list of rules. */
  readonly id: string
  /** Where the rule stands: `RFC 6750 §3.1`. */
  readonly section: string
  readonly level: Level
  /** What must be so, in one sentence. */
  readonly title: string
  readonly needs: readonly Feature[]
  /** Sends the requests. @throws {Unmet} where an answer is not what must come. */
  run(stage: Stage): Promise<void>
}

/** A rule that isn't kept: what must come, and what came. Neither holds a token. */
export class Unmet extends Error {
  readonly expected: string
  readonly found: string

  constructor(expected: string, found: string) {
    super(`expected ${expected}, found ${found}`)
    this.expected = expected
    this.found = found
  }
}

export type Verdict =
  | { readonly verdict: 'pass' }
  | { readonly verdict: 'fail'; readonly expected: string; readonly found: string }
  | { readonly verdict: 'n/a'; readonly why: string }

/** A check, and what came of it. */
export type Result = Pick<Check, 'id' | 'section' | 'level' | 'title'> & Verdict

type Run = (stage: Stage) => Promise<void>

/** `rule('B2', 'RFC 6750 §3.1', 'MUST', '…', ['credentials'], async (stage) => …)` */
export function rule(
  id: string,
  section: string,
  level: Level,
  title: string,
  needs: readonly Feature[],
  run: Run,
): Check {
  return { id, section, level, title, needs, run }
}
