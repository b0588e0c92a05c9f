/** Writes the members of a header and of claims, with a date beside each time. */
import { printableJson } from '../printable.js'
import { inMilliseconds, looksLikeMilliseconds, timeOf, withDates } from './time.js'

type JsonMembers = Readonly<Record<string, unknown>>

/** Claims that hold a NumericDate (RFC 7519 §4.1; OpenID Connect Core §2, §5.1). */
const TIME_CLAIMS = ['exp', 'nbf', 'iat', 'auth_time', 'updated_at']

/** Returns the value as JSON; for a claim that holds a NumericDate, its date as well. */
export function memberText(name: string, value: unknown): string {
  const json = printableJson(value)
  return TIME_CLAIMS.includes(name) && typeof value === 'number' ? withDates(json) : json
}

/** Returns the ISO 8601 date of each claim that holds a NumericDate. */
export function timesIn(claims: JsonMembers): JsonMembers {
  const times = TIME_CLAIMS.filter((name) => typeof claims[name] === 'number')
  return Object.fromEntries(
    times.map((name) => {
      const time = claims[name] as number
      return [name, looksLikeMilliseconds(time) ? inMilliseconds(time) : timeOf(time)]
    }),
  )
}
