/** Assertions about a response. They throw {@link RuleViolation}, whose texts contain no token. */
import type { RawResponse } from '../../../test/fixtures/raw-http.js'
import { RuleViolation } from '../check.js'
import { type Challenge, challengesOf } from './challenges.js'

export interface Expectation {
  readonly status: number
  readonly scheme?: 'bearer' | 'dpop'
  /** `null`: the challenge has no error. */
  readonly error?: string | null
}

/** Describes a response briefly, for the table. */
export function describe(response: RawResponse): string {
  const challenges = challengesOf(response.headers['www-authenticate'] ?? [])
  if (challenges === undefined) return `${response.status} with a challenge that cannot be read`
  const errors = challenges.map(({ scheme, parameters }) =>
    parameters.error === undefined ? scheme : `${scheme} ${parameters.error}`,
  )
  return [response.status, ...errors].join(' ').slice(0, 120)
}

export function expectAccepted(response: RawResponse, of = 'a valid token'): void {
  if (response.status < 200 || response.status > 299) {
    throw new RuleViolation(`200 for ${of}`, describe(response))
  }
}

/** Expects 401 or 400: neither access nor a crash. */
export function expectRejected(response: RawResponse, what: string): void {
  if (response.status !== 401 && response.status !== 400) {
    throw new RuleViolation(`401 for ${what}`, describe(response))
  }
}

export function expectChallenge(
  response: RawResponse,
  wanted: Expectation,
  what: string,
): Challenge {
  const { status, scheme, error } = wanted
  const challenges = challengesOf(response.headers['www-authenticate'] ?? []) ?? []
  const challenge = challenges.find(
    (candidate) =>
      (scheme === undefined || candidate.scheme === scheme) &&
      (error === undefined || (candidate.parameters.error ?? null) === error),
  )
  if (response.status !== status || challenge === undefined) {
    const parts = [status, scheme, error === null ? 'without error' : error].filter(Boolean)
    throw new RuleViolation(`${parts.join(' ')} for ${what}`, describe(response))
  }
  return challenge
}

/** Expects 401, with challenges that have no error code. */
export function expectNoErrorCode(response: RawResponse, what: string): void {
  const challenges = challengesOf(response.headers['www-authenticate'] ?? []) ?? []
  const hasError = challenges.some(({ parameters }) => parameters.error !== undefined)
  if (response.status !== 401 || hasError)
    throw new RuleViolation(`401 without error for ${what}`, describe(response))
}

export function expectStatus(response: RawResponse, status: number, what: string): void {
  if (response.status !== status)
    throw new RuleViolation(`${status} for ${what}`, describe(response))
}

export function expectThat(holds: boolean, expected: string, found: string): void {
  if (!holds) throw new RuleViolation(expected, found)
}
