/** Advises on input from which an API reads no token. */
import type { GivenToken } from './given-token.js'

export function credentialsAdvice({ authorization, removed }: GivenToken): string {
  if (removed.length > 0) {
    return `The API rejects this input: send only the token, exactly as in "access_token" of the token response. To read the token, explain removed: ${removed.join(', ')}.`
  }
  if (/^dpop(?:[ \t]|$)/i.test(authorization)) {
    return 'An API accepts the scheme DPoP only with its option "dpop" and a proof, which explain does not check. The steps below check the token alone.'
  }
  if (!/^bearer(?:[ \t]|$)/i.test(authorization)) {
    return 'The API accepts only the scheme Bearer: send "Authorization: Bearer", a space, and the token.'
  }
  return 'Pass only the token, exactly as in "access_token" of the token response: no quotation marks, no line breaks, nothing else.'
}
