/** Types of the suite's checks: a rule, the requests that test it, and the result. */
import type { Harness } from './harness/harness.js'

/**
 * Source of the requirement: an RFC's MUST, an RFC's SHOULD, or only this package, which is
 * stricter than the RFC or follows a draft.
 */
export type Level = 'MUST' | 'SHOULD' | 'ours'

/**
 * Features of an API or its target, with the reason why a check that needs a missing one is `n/a`.
 */
export const FEATURES = {
  jwt: 'it accepts no JWTs',
  credentials: 'it parses the Authorization header itself',
  bearer: 'it accepts no bearer tokens',
  es256: 'it does not accept ES256',
  scope: 'it checks no scope',
  strict: 'it is not strict about RFC 9068',
  'step-up': 'it requires no step-up authentication',
  actor: 'it decides on no actor',
  'authorization-details': 'it requires no authorization details',
  cors: 'it has no CORS',
  metadata: 'it publishes no resource metadata',
  opaque: 'it does not introspect opaque tokens',
  'introspects-always': 'it does not introspect JWTs',
  recheck: 'it does not recheck JWTs in the background',
  'signed-responses': 'it requests no signed responses',
  encrypted: 'it requires no encrypted tokens',
  'encrypted-off': 'it decrypts tokens',
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
  /** Row of the rule, such as `B3`. */
  readonly id: string
  /** Source of the rule, such as `RFC 6750 §3.1`. */
  readonly section: string
  readonly level: Level
  /** The rule, in one sentence. */
  readonly title: string
  readonly needs: readonly Feature[]
  /** Sends the requests. @throws {RuleViolation} if a response violates the rule. */
  run(harness: Harness): Promise<void>
}

/** A violated rule, with the expected and the found response. Neither text contains a token. */
export class RuleViolation extends Error {
  readonly expected: string
  readonly found: string

  constructor(expected: string, found: string) {
    super(`expected ${expected}, found ${found}`)
    this.expected = expected
    this.found = found
  }
}

export type Outcome =
  | { readonly status: 'pass' }
  | { readonly status: 'fail'; readonly expected: string; readonly found: string }
  | { readonly status: 'n/a'; readonly why: string }

export type Result = Pick<Check, 'id' | 'section' | 'level' | 'title'> & Outcome

type Run = (harness: Harness) => Promise<void>

/** `rule('B2', 'RFC 6750 §3.1', 'MUST', '…', ['credentials'], async (harness) => …)` */
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
