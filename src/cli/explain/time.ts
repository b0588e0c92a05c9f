/** Formats times and durations for people. */
import type { AccessTokenClaims } from '../../access-token/access-token-claims.js'

/** The maximum of a Date, in seconds. */
const LATEST = 8.64e12

/** In seconds, later than the year 5000; in milliseconds, after 1973. */
const IN_MILLISECONDS = 1e11

/** Whether a NumericDate, which is in seconds (RFC 7519 §2), was written in milliseconds. */
export function looksLikeMilliseconds(time: unknown): boolean {
  return typeof time === 'number' && time >= IN_MILLISECONDS
}

export function timeOf(seconds: number): string {
  if (!(Math.abs(seconds) <= LATEST)) return `${seconds}`
  return new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z')
}

/** Returns the duration in whole units of the largest one that fits. */
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
  const doubt = looksLikeMilliseconds(exp)
    ? ': "exp" seems to be in milliseconds, so that this token never expires. Have the issuer divide it by 1000'
    : ''
  return `${issued}expires ${timeOf(exp)} (${left})${doubt}`
}
