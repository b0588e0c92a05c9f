/** What a check of the suite is: a rule of an RFC, the requests that show it, and its verdict. */
import type { Stage } from './stage/stage.js'

/**
 * Who asks for it: an RFC's MUST, an RFC's SHOULD, or we alone, who are stricter than the RFC (or
 * take the side of a draft).
 */
export type Level = 'MUST' | 'SHOULD' | 'ours'

/** Features of an API or of its target; a check that needs a missing one is `n/a`. Values: the reason. */
export const FEATURES = {
  jwt: 'it accepts no JWTs',
  credentials: 'it reads the Authorization header by itself',
  bearer: 'it accepts no bearer tokens',
  es256: 'it does not accept ES256',
  scope: 'it checks no scope',
  strict: 'it is not strict about RFC 9068',
  'step-up': 'it requires no step-up authentication',
  cors: 'it has no CORS',
  metadata: 'it publishes no resource metadata',
  opaque: 'it does not introspect opaque tokens',
  'introspects-always': 'it does not introspect JWTs',
  recheck: 'it does not recheck JWTs in the background',
  'signed-responses': 'it requests no signed responses',
  dpop: 'DPoP is off',
  'dpop-off': 'DPoP is on',
  nonce: 'it requires no DPoP nonce',
  mtls: 'certificates are off',
  'mtls-off': 'certificates are on',
  proxy: 'it does not distinguish trusted proxies',
  discovery: 'the URL of its keys is configured',
  restart: 'the suite cannot restart it',
  clock: 'the suite cannot set its clock',
  'password-grant': 'the check is for the helper, not for an API',
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
