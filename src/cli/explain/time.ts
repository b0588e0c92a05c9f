/** Times as people read them. */
import type { AccessTokenClaims } from '../../access-token-claims.js'

/** The latest that a Date can be, in seconds. */
const LATEST = 8.64e12

export function timeOf(seconds: number): string {
  if (!(Math.abs(seconds) <= LATEST)) return `${seconds}`
  return new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z')
}

/** Whole units, the largest that there is one of: near enough to see what is the matter. */
export function durationOf(seconds: number): string {
  const units = [
    ['day', 86_400],
    ['hour', 3_600],
    ['minute', 60],
  ] as const
  const [unit, length] = units.find(([, length]) => seconds >= length) ?? ['second', 1]
  const count = Math.floor(seconds / length)
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}

export function lifetime({ exp, iat }: AccessTokenClaims, now: number): string {
  const issued = iat === undefined ? '' : `issued ${timeOf(iat)}, `
  const left = exp > now ? `in ${durationOf(exp - now)}` : 'just now, within the clock tolerance'
  return `${issued}expires ${timeOf(exp)} (${left})`
}
