/** The token type identifiers of RFC 8693 §3 that the exchanger sends and accepts. */

const PREFIX = 'urn:ietf:params:oauth:token-type:'

export const ACCESS_TOKEN = `${PREFIX}access_token`

/** The types of issued tokens that a downstream API can receive. */
export const REQUESTED_TYPES = ['access_token', 'jwt'] as const

export type RequestedType = (typeof REQUESTED_TYPES)[number]

export function typeIdentifier(type: RequestedType): string {
  return PREFIX + type
}
