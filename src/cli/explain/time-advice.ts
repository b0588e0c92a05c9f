/** Advice for a token that is expired, not yet valid or too old. */

import type { Claims } from '../../token/compact-jws.js'
import type { StepName } from './step.js'
import { durationOf, looksLikeMilliseconds, timeOf } from './time.js'

/** Differences up to this many seconds suggest clock skew. */
const MAX_SKEW = 3_600

export type TimeStep = Extract<StepName, 'expiry' | 'not-before' | 'issued-at' | 'age'>

/** @param now in seconds since the epoch. */
export function timeAdvice(check: TimeStep, claims: Claims, now: number): string {
  const { exp, nbf, iat } = claims as Record<'exp' | 'nbf' | 'iat', number>
  const inMilliseconds = (['exp', 'nbf', 'iat'] as const).filter((name) =>
    looksLikeMilliseconds(claims[name]),
  )
  if (inMilliseconds.length > 0) {
    const names = inMilliseconds.map((name) => `"${name}"`).join(' and ')
    return `Apparently in milliseconds: ${names}. Times in a JWT are in seconds (NumericDate, RFC 7519 §2): have the issuer divide by 1000 and round down.`
  }
  const clocks = `Compare the issuer's clock with that of this machine (${timeOf(now)}); the API's "clockTolerance" may be up to 300 s.`
  switch (check) {
    case 'expiry': {
      const ago = now - exp
      const expired = `It expired ${durationOf(ago)} ago, at ${timeOf(exp)}: get a new one.`
      return ago <= MAX_SKEW ? `${expired} If it should still be valid: ${clocks}` : expired
    }
    case 'not-before':
      return `It is valid from ${timeOf(nbf)} on, in ${durationOf(nbf - now)}. ${clocks}`
    case 'issued-at':
      return `It was issued at ${timeOf(iat)}, ${durationOf(iat - now)} from now. ${clocks}`
    case 'age':
      return 'Get a new token: this one is older than --max-token-age allows, or has no "iat".'
  }
}
