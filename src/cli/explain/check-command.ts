/** Suggests the command that checks a token which was only decoded. */
import { shellQuote } from '../shell-quote.js'
import type { DecodedToken } from './decoded-token.js'

/** Returns the command, with the issuer and audience of the token as far as it names them. */
export function checkCommand({ claims }: Pick<DecodedToken, 'claims'>): string {
  return `npx fastify-resource-server explain --issuer ${suggested(claims?.iss, 'ISSUER')} --audience ${suggested(claims?.aud, 'AUDIENCE')}`
}

function suggested(claim: unknown, placeholder: string): string {
  const value = Array.isArray(claim) ? claim[0] : claim
  return typeof value === 'string' && value !== '' ? shellQuote(value) : placeholder
}
