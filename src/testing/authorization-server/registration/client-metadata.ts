/** Validates the metadata with which a client registers itself (RFC 7591 §2). */
import { redirectUriProblem } from '../authorization/redirect-uris.js'
import { OAuthError } from '../http/oauth-error.js'
import type { GrantType } from '../tokens/test-accounts.js'

const MAX_REDIRECT_URIS = 10
const MAX_NAME_LENGTH = 100
/** The grant types for which a client may register itself. */
const GRANTS: readonly string[] = ['authorization_code', 'refresh_token']
const METHODS = ['client_secret_basic', 'client_secret_post', 'none']

/** The members of the metadata that the server uses. It ignores all others (§2). */
export interface ClientMetadata {
  redirectUris: readonly string[]
  postLogoutRedirectUris: readonly string[]
  grantTypes: readonly GrantType[]
  authMethod: string
  name: string | undefined
}

/**
 * Returns the metadata to register. Grant types and the scope are replaced by what the server
 * offers to such a client (§3.2.1).
 *
 * @throws {OAuthError} `invalid_redirect_uri` or `invalid_client_metadata` (§3.2.2)
 */
export function clientMetadata(document: Readonly<Record<string, unknown>>): ClientMetadata {
  return {
    redirectUris: redirectUris(document, 'redirect_uris', 1),
    postLogoutRedirectUris: redirectUris(document, 'post_logout_redirect_uris', 0),
    grantTypes: grantTypes(document),
    authMethod: authMethod(document),
    name: clientName(document),
  }
}

function redirectUris(
  document: Readonly<Record<string, unknown>>,
  name: string,
  least: number,
): readonly string[] {
  const uris = document[name] ?? []
  if (!Array.isArray(uris) || uris.length < least || uris.length > MAX_REDIRECT_URIS) {
    const message = `${name} must be an array of ${least} to ${MAX_REDIRECT_URIS} URIs.`
    throw new OAuthError('invalid_redirect_uri', message)
  }
  for (const uri of uris) {
    const problem = redirectUriProblem(uri)
    if (problem !== undefined) {
      throw new OAuthError('invalid_redirect_uri', `Each of ${name} ${problem}.`)
    }
  }
  return uris
}

function grantTypes({
  grant_types = ['authorization_code'],
  response_types = ['code'],
}: Readonly<Record<string, unknown>>): readonly GrantType[] {
  if (!includes(grant_types, 'authorization_code') || !includes(response_types, 'code')) {
    throw invalid('grant_types must contain authorization_code, and response_types code.')
  }
  return GRANTS.filter((type) => includes(grant_types, type)) as GrantType[]
}

function includes(list: unknown, value: string): boolean {
  return Array.isArray(list) && list.includes(value)
}

function authMethod({
  token_endpoint_auth_method: method = 'client_secret_basic',
}: Readonly<Record<string, unknown>>): string {
  if (typeof method === 'string' && METHODS.includes(method)) return method
  throw invalid(`token_endpoint_auth_method must be one of ${METHODS.join(', ')}.`)
}

function clientName({ client_name: name }: Readonly<Record<string, unknown>>): string | undefined {
  if (name === undefined) return undefined
  const isText = typeof name === 'string' && name.length <= MAX_NAME_LENGTH && /\S/.test(name)
  if (isText && !/\p{C}/u.test(name)) return name
  throw invalid(
    `client_name must be a text of at most ${MAX_NAME_LENGTH} characters without control characters.`,
  )
}

function invalid(description: string): OAuthError {
  return new OAuthError('invalid_client_metadata', description)
}
