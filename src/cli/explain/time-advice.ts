/** Advises on a token that is expired, not yet valid, issued in the future or too old. */

import type { Claims } from '../../token/compact-jws.js'
import type { StepName } from './step.js'
import { durationOf, looksLikeMilliseconds, timeOf } from './time.js'

/** Maximum time since expiry, in seconds, for which clock skew is suggested as the cause. */
const MAX_SKEW = 3_600

export type TimeStep = Extract<StepName, 'expiry' | 'not-before' | 'issued-at' | 'age'>

const CLAIM = { expiry: 'exp', 'not-before': 'nbf', 'issued-at': 'iat', age: 'iat' } as const

/** @param now the current time, in seconds since the epoch. */
export function timeAdvice(check: TimeStep, claims: Claims, now: number): string {
  const { exp, nbf, iat } = claims as Record<'exp' | 'nbf' | 'iat', number>
  const inMilliseconds = (['exp', 'nbf', 'iat'] as const).filter((name) =>
    looksLikeMilliseconds(claims[name]),
  )
  if (inMilliseconds.includes(CLAIM[check])) {
    const names = inMilliseconds.map((name) => `"${name}"`).join(' and ')
    return `These times seem to be in milliseconds: ${names}. Times in a JWT are in seconds (NumericDate, RFC 7519 §2): have the issuer divide by 1000 and round down.`
  }
  const clocks = `Compare the issuer's clock with that of this machine (${timeOf(now)}); the API's "clockTolerance" may be up to 300 s.`
  switch (check) {
    case 'expiry': {
      const ago = now - exp
      const expired = `The token expired ${durationOf(ago)} ago, at ${timeOf(exp)}: get a new one.`
      return ago <= MAX_SKEW ? `${expired} If it should still be valid: ${clocks}` : expired
    }
    case 'not-before':
      return `The token becomes valid in ${durationOf(nbf - now)}, at ${timeOf(nbf)}. ${clocks}`
    case 'issued-at':
      return `The token says it is issued at ${timeOf(iat)}, ${durationOf(iat - now)} from now. ${clocks}`
    case 'age':
      return 'Get a new token: this token is older than --max-token-age allows, or has no "iat".'
  }
}
