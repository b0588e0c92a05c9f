/**
 * Validates the client credentials of this API at an issuer. Client authentication is required: an
 * endpoint that receives tokens must not accept requests of unknown clients.
 */
import { reject } from '../base/check.js'
import type { ClientCredentials } from './client-authentication.js'

/** The client authentication methods that the options of this API offer. */
export const CONFIDENTIAL_METHODS = [
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
  'private_key_jwt_untyped',
] as const

/**
 * @param prefix precedes the names of the options in messages, such as `introspection.`.
 * @param reason says why client authentication is required, for the message.
 * @throws {TypeError} if an option is missing, invalid or superfluous; the message names the fix.
 */
export function resolveClientOption(
  { clientId, clientSecret, privateKey, clientAuthentication }: ClientCredentials,
  prefix: string,
  reason: string,
): Readonly<ClientCredentials> {
  requireText(`${prefix}clientId`, clientId, 'the client ID that the issuer gave to this API')
  if (clientSecret !== undefined) {
    const what = 'the client secret that the issuer gave to this API'
    requireText(`${prefix}clientSecret`, clientSecret, what)
  }
  if ((clientSecret === undefined) === (privateKey === undefined)) {
    const found = clientSecret === undefined ? 'neither is set' : 'both are set'
    throw new TypeError(
      `set either "${prefix}clientSecret" or "${prefix}privateKey"; ${found}: ${reason}`,
    )
  }
  const method =
    clientAuthentication ??
    (clientSecret === undefined ? ('private_key_jwt' as const) : ('client_secret_basic' as const))
  if (!CONFIDENTIAL_METHODS.includes(method as (typeof CONFIDENTIAL_METHODS)[number])) {
    reject(`${prefix}clientAuthentication`, `must be one of ${CONFIDENTIAL_METHODS.join(', ')}`)
  }
  if (method.startsWith('private_key_jwt') !== (privateKey !== undefined)) {
    const [needed, other] =
      privateKey === undefined ? ['privateKey', 'clientSecret'] : ['clientSecret', 'privateKey']
    reject(
      `${prefix}clientAuthentication`,
      `is ${method}, which needs "${prefix}${needed}": set it instead of "${other}", or choose another method`,
    )
  }
  return Object.freeze({ clientId, clientSecret, privateKey, clientAuthentication: method })
}

function requireText(name: string, value: unknown, what: string): void {
  if (typeof value === 'string' && value !== '') return
  reject(name, `must be a non-empty string: ${what}`)
}
