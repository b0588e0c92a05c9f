/** Defines the cases: which tokens the client sends, how many, and the status it expects. */
import { HOSTILE } from './hostile.js'

const KNOWN = { kind: 'known', list: 'known', algorithm: 'RS256', status: 200 }

/**
 * Runs before the first round, so that V8 has compiled the code of each row: compilation takes
 * thousands of requests, and more for larger packages.
 */
export const warmUp = { name: 'warm-up', kind: 'warm-up', list: 'warm-up', status: 200, first: 0 }

/**
 * - `first`, `count`: the part of the token list that the client sends, repeated in order.
 * - `prime`: whether the client sends each token once before the measurement, in every round or
 *   only in the first round; the caches hold all known tokens and the new tokens of one round.
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

/** Whether the case measures this row. */
export function includesRow({ kind, algorithm }, row) {
  return row.algorithms.includes(algorithm) && !(row.acceptsHostile && kind === 'hostile')
}

/**
 * Returns 200 for open routes, which ignore the token, and the status of the case for verifiers.
 */
export function expectedStatus(row, { name, status }) {
  if (row.name === 'open' || row.name === 'express-open') return 200
  return row.rejectionStatuses[name] ?? status
}

/** Returns the number of tokens that each list needs for the cases and rounds, warm-up included. */
export function countTokens(chosen, { rounds, newPerRound, warmUpTokens }) {
  const counts = { [warmUp.list]: warmUpTokens }
  for (const { kind, list, first = 0, count } of chosen) {
    const needed = kind === 'new' ? (rounds + 1) * newPerRound : first + count
    counts[list] = Math.max(counts[list] ?? 0, needed)
  }
  return counts
}
