/** The cases: which tokens are sent, how many, and what the answer must be. */
import { HOSTILE } from './hostile.js'

const KNOWN = { kind: 'known', list: 'known', algorithm: 'RS256', status: 200 }

/**
 * Before any round, so that each row is asked as compiled code: that takes thousands of requests,
 * and more for who has more code.
 */
export const warmUp = { name: 'warm-up', kind: 'warm-up', list: 'warm-up', status: 200, first: 0 }

/**
 * - `first`, `count`: the part of the list that is sent, in turn.
 * - `prime`: whether each token is sent once before it counts, in every round or only in the first
 *   one; the caches have room for all known tokens and the new ones of a round.
 */
export const cases = [
  { name: 'known-1000', ...KNOWN, first: 0, count: 1_000, prime: 'always' },
  { name: 'known-20000', ...KNOWN, first: 1_000, count: 20_000, prime: 'once' },
  ...['RS256', 'ES256', 'PS256', 'EdDSA'].map((algorithm) => ({
    name: `new-${algorithm}`,
    kind: 'new',
    list: `new-${algorithm}`,
    algorithm,
    status: 200,
  })),
  ...[...Object.keys(HOSTILE), 'expired'].map((name) => ({
    name,
    kind: 'hostile',
    list: name,
    algorithm: 'RS256',
    first: 0,
    count: 2_000,
    status: 401,
  })),
]

export function takesPart(row, { kind, algorithm }) {
  return row.algorithms.includes(algorithm) && !(row.trusting && kind === 'hostile')
}

/** What the open routes answer, whatever the token; what a verifier answers to this one. */
export function expectedStatus(row, { name, status }) {
  if (row.name === 'open' || row.name === 'express-open') return 200
  return row.refusals[name] ?? status
}

/** How many tokens each list needs for some cases and rounds, the one that warms up included. */
export function countTokens(chosen, { rounds, newPerRound, warmUpTokens }) {
  const counts = { [warmUp.list]: warmUpTokens }
  for (const { kind, list, first = 0, count } of chosen) {
    const needed = kind === 'new' ? (rounds + 1) * newPerRound : first + count
    counts[list] = Math.max(counts[list] ?? 0, needed)
  }
  return counts
}
