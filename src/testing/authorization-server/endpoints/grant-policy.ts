import { GRANT_TYPES, type GrantType, type TestClient } from '../tokens/test-accounts.js'
import { isPublic } from './client-authentication.js'

/** The grant types that public clients may use: RFC 6749 §4.4 and RFC 8693 §5 exclude others. */
const PUBLIC_GRANTS: readonly GrantType[] = ['password', 'refresh_token', 'authorization_code']

/** Whether a client may use a grant type. */
export function mayUse(client: TestClient, type: GrantType): boolean {
  if (isPublic(client) && !PUBLIC_GRANTS.includes(type)) return false
  return (client.grantTypes ?? GRANT_TYPES).includes(type)
}

/**
 * Returns the thumbprint of the key to which the server binds the refresh token. Returns
 * `undefined` if the request has no proof, or the client is confidential: client authentication
 * already binds the refresh tokens of a confidential client to it (RFC 9449 §5).
 */
export function boundTo(client: TestClient, jkt: string | undefined): string | undefined {
  return isPublic(client) ? jkt : undefined
}
