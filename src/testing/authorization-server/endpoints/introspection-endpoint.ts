import { requireParameter } from '../http/form.js'
import { type HttpResponse, uncached } from '../http/http-response.js'
import type { IssuedTokens } from '../tokens/issued-tokens.js'
import type { SigningKeys } from '../tokens/signing-keys.js'
import { invalidClient, isPublic } from './client-authentication.js'
import type { ClientRequest } from './form-endpoint.js'
import type { IntrospectionOverrides } from './introspection-override.js'
import { INACTIVE, introspectionResponse } from './introspection-response.js'

const SIGNED_TYPE = 'token-introspection+jwt'

/** The state that the introspection endpoint reads. */
export interface IntrospectionSources {
  issuer: string
  now: () => number
  issued: IssuedTokens
  keys: SigningKeys
  overrides: IntrospectionOverrides
}

/**
 * Returns the handler of the introspection endpoint (RFC 7662). The member `format` of an
 * override decides whether the response is signed; by default, it is signed if the request accepts
 * a signed response (RFC 9701). Every client that authenticates may introspect every access token.
 * A public client is rejected, because it cannot authenticate.
 */
export function introspectionEndpoint({
  issuer,
  now,
  issued,
  keys,
  overrides,
}: IntrospectionSources): (request: ClientRequest) => Promise<HttpResponse> {
  return async ({ form, client, accept = '' }) => {
    if (isPublic(client)) throw invalidClient(false)
    const found = issued.findActive(requireParameter(form, 'token'))
    const response = found === undefined ? INACTIVE : introspectionResponse(found)
    const {
      claims,
      header,
      format = accepts(accept, SIGNED_TYPE) ? 'jwt' : 'json',
    } = overrides.options
    const members = await overrides.applyTo(response)
    // Serializes the response here, because an override may contain values that cannot be
    // serialized as JSON, and only an error in this handler becomes a 500 response.
    if (format === 'json') return uncached(200, Buffer.from(JSON.stringify(members)))
    const envelope = { iss: issuer, aud: client.clientId, iat: Math.floor(now() / 1000), ...claims }
    const { token } = await keys.sign(
      { ...envelope, token_introspection: members },
      { typ: SIGNED_TYPE, ...header },
    )
    return uncached(200, Buffer.from(token), { 'content-type': `application/${SIGNED_TYPE}` })
  }
}

/**
 * Whether an `Accept` header contains the media type `application/{subtype}` itself, with a weight
 * other than zero (RFC 9110 §12.5.1). A wildcard does not count.
 */
function accepts(accept: string, subtype: string): boolean {
  return accept.split(',').some((range) => {
    const [type, ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const ruledOut = parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))
    return type === `application/${subtype}` && !ruledOut
  })
}
