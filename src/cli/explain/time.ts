/** Formats times and durations for people. */

/** The latest time that a `Date` can represent, in seconds since the epoch. */
const LATEST = 8.64e12

/**
 * The smallest number that is treated as milliseconds. As milliseconds, the number is a time in
 * 1973; as seconds, it is a time in the year 5138.
 */
const IN_MILLISECONDS = 1e11

/**
 * Whether a NumericDate, which is in seconds (RFC 7519 §2), was probably written in milliseconds.
 */
export function looksLikeMilliseconds(time: unknown): boolean {
  return typeof time === 'number' && time >= IN_MILLISECONDS
}

/**
 * Returns a NumericDate as an ISO 8601 date and time in UTC; if no `Date` can represent it, returns
 * the number.
 */
export function timeOf(seconds: number): string {
  if (!(Math.abs(seconds) <= LATEST)) return `${seconds}`
  return new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z')
}

/** Returns the date of a NumericDate that was probably written in milliseconds. */
export function inMilliseconds(time: number): string {
  return timeOf(Math.floor(time / 1000))
}

/** Returns the duration in the largest unit that fits, rounded down: 5,400 seconds are "1 hour". */
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

/** Describes an `exp` that passes its check. Both times are in seconds since the epoch. */
export function describeExpiry(exp: number, now: number): string {
  const left = exp > now ? `in ${durationOf(exp - now)}` : 'expired, but within the clock tolerance'
  const doubt = looksLikeMilliseconds(exp)
    ? `: "exp" seems to be in milliseconds, so that this token never expires. Have the issuer divide it by 1000 (${inMilliseconds(exp)})`
    : ''
  return `expires ${timeOf(exp)} (${left})${doubt}`
}

/** Describes an age that passes its check. `iat` and `now` are in seconds since the epoch. */
export function describeAge(
  iat: number | undefined,
  maxTokenAge: number | undefined,
  now: number,
): string {
  if (iat === undefined || maxTokenAge === undefined) return 'no maximum (--max-token-age)'
  return `${durationOf(Math.max(0, now - iat))}, at most ${durationOf(maxTokenAge)}`
}

/** Matches NumericDates, and times in milliseconds, which have at most 14 digits. */
const EPOCH_TIME = /(?<![\w.+-])\d{1,14}(?:\.\d+)?(?![\w.])/g

/**
 * Replaces each NumericDate in the text with the date, followed by the NumericDate in parentheses. A
 * time that was probably written in milliseconds is marked as such.
 */
export function withDates(text: string): string {
  return text.replace(EPOCH_TIME, (digits) => {
    const time = Number(digits)
    return looksLikeMilliseconds(time)
      ? `${digits} (in milliseconds: ${inMilliseconds(time)})`
      : `${timeOf(time)} (${digits})`
  })
}
