/** Advises on input from which an API reads no token. */
import type { GivenToken } from './given-token.js'
import { placeholderAdvice } from './malformed-advice.js'

export function credentialsAdvice({ authorization, token, removed }: GivenToken): string {
  const told =
    removed.length === 0 ? '' : ` To read the token, explain removed: ${removed.join(', ')}.`
  if (/^dpop(?:[ \t]|$)/i.test(authorization)) {
    return 'An API accepts the scheme DPoP only with its option "dpop" and a proof, which explain does not check. The steps below check the token alone.'
  }
  const placeholder = placeholderAdvice(token)
  if (placeholder !== undefined) return placeholder
  if (!/^bearer(?:[ \t]|$)/i.test(authorization)) {
    return `The API accepts only the scheme Bearer: send "Authorization: Bearer", a space, and the token.${told}`
  }
  if (removed.length > 0) {
    return `The API rejects this input: send only the token, exactly as in "access_token" of the token response.${told}`
  }
  const [character] = /[^\t\r\n\x20-\x7e]/u.exec(authorization) ?? []
  if (character !== undefined) {
    const code = (character.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0')
    return `The input contains the character U+${code}, which no token has and an editor may not show: copy the token again, and have the client trim it.`
  }
  return 'Pass only the token, exactly as in "access_token" of the token response: no quotation marks, no line breaks, nothing else.'
}
