/** What an answer must be. Each throws {@link Unmet} with what came, and never with a token. */
import type { RawResponse } from '../../../test/fixtures/raw-http.js'
import { Unmet } from '../check.js'
import { type Challenge, challengesOf } from './challenges.js'

export interface Expectation {
  readonly status: number
  readonly scheme?: 'bearer' | 'dpop'
  /** `null`: the challenge has none. */
  readonly error?: string | null
}

/** In a word, for the table. */
export function describe(answer: RawResponse): string {
  const challenges = challengesOf(answer.headers['www-authenticate'] ?? [])
  if (challenges === undefined) return `${answer.status} with a challenge that cannot be read`
  const errors = challenges.map(({ scheme, parameters }) =>
    parameters.error === undefined ? scheme : `${scheme} ${parameters.error}`,
  )
  return [answer.status, ...errors].join(' ').slice(0, 120)
}

export function expectTaken(answer: RawResponse, of = 'a good token'): void {
  if (answer.status < 200 || answer.status > 299) {
    throw new Unmet(`200 for ${of}`, describe(answer))
  }
}

/** Refused as a bad token or request, with neither entry nor crash. */
export function expectRefused(answer: RawResponse, what: string): void {
  if (answer.status !== 401 && answer.status !== 400) {
    throw new Unmet(`401 for ${what}`, describe(answer))
  }
}

export function expectAnswer(answer: RawResponse, wanted: Expectation, what: string): Challenge {
  const { status, scheme, error } = wanted
  const challenges = challengesOf(answer.headers['www-authenticate'] ?? []) ?? []
  const challenge = challenges.find(
    (one) =>
      (scheme === undefined || one.scheme === scheme) &&
      (error === undefined || (one.parameters.error ?? null) === error),
  )
  if (answer.status !== status || challenge === undefined) {
    const parts = [status, scheme, error === null ? 'without error' : error].filter(Boolean)
    throw new Unmet(`${parts.join(' ')} for ${what}`, describe(answer))
  }
  return challenge
}

/** 401, and whatever is offered tells no error. */
export function expectNoError(answer: RawResponse, what: string): void {
  const challenges = challengesOf(answer.headers['www-authenticate'] ?? []) ?? []
  const told = challenges.some(({ parameters }) => parameters.error !== undefined)
  if (answer.status !== 401 || told)
    throw new Unmet(`401 without error for ${what}`, describe(answer))
}

export function expectStatus(answer: RawResponse, status: number, what: string): void {
  if (answer.status !== status) throw new Unmet(`${status} for ${what}`, describe(answer))
}

export function expectThat(holds: boolean, expected: string, found: string): void {
  if (!holds) throw new Unmet(expected, found)
}
