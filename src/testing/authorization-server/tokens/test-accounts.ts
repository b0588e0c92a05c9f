import type { JSONWebKeySet, JWTPayload } from 'jose'
import { rejectUnknownOptions } from '../../known-options.js'
import { type Scope, scopeValues } from '../../scope-values.js'

/** The grant types that the embedded authorization server supports. */
export const GRANT_TYPES: readonly GrantType[] = ['password', 'client_credentials', 'refresh_token']

/** A grant type that the embedded authorization server supports. */
export type GrantType = 'password' | 'client_credentials' | 'refresh_token'

/** A user who can sign in with the password grant. */
export interface TestUser {
  /** The user name. */
  username: string
  /** The password. */
  password: string
  /**
   * The subject identifier. Default: the username, or an id derived from it, depending on the
   * profile.
   */
  sub?: string | undefined
  /**
   * Additional claims for the user's access and ID tokens. Protocol claims cannot be overridden.
   */
  claims?: JWTPayload | undefined
  /** The scope that the user may be granted. Default: every value that the server offers. */
  scope?: Scope | undefined
}

/** A client of the embedded authorization server. */
export interface TestClient {
  /** The client's id. */
  clientId: string
  /** The client secret, for client_secret_basic and client_secret_post. */
  clientSecret?: string | undefined
  /** The public keys, for private_key_jwt. A client with neither secret nor keys is public. */
  jwks?: JSONWebKeySet | undefined
  /**
   * The grant types that the client may use. Default: all; a public client never gets
   * client_credentials.
   */
  grantTypes?: readonly GrantType[] | undefined
  /** The scope that the client may be granted. Default: every value that the server offers. */
  scope?: Scope | undefined
}

/** The default user of the server: testuser1@example.com, demo-password. */
export const testUser = Object.freeze({
  username: 'testuser1@example.com',
  password: 'demo-password',
}) satisfies TestUser

/** The default client of the server: demo-client, demo-secret. */
export const testClient = Object.freeze({
  clientId: 'demo-client',
  clientSecret: 'demo-secret',
}) satisfies TestClient

/** @throws {TypeError} that names the invalid member and the fix */
export function requireUser(user: TestUser): void {
  rejectUnknownOptions('an entry of "users"', user, [
    'username',
    'password',
    'sub',
    'claims',
    'scope',
  ])
  requireText('users', user, ['username', 'password'])
  if (user.sub !== undefined) requireText('users', user, ['sub'])
  scopeValues('users[].scope', user.scope ?? [])
}

/** @throws {TypeError} that names the invalid member and the fix */
export function requireClient(client: TestClient): void {
  const known = ['clientId', 'clientSecret', 'jwks', 'grantTypes', 'scope']
  rejectUnknownOptions('an entry of "clients"', client, known)
  requireText('clients', client, ['clientId'])
  if (client.clientSecret !== undefined) requireText('clients', client, ['clientSecret'])
  scopeValues('clients[].scope', client.scope ?? [])
  const types: unknown = client.grantTypes ?? GRANT_TYPES
  if (!Array.isArray(types) || !types.every((type) => GRANT_TYPES.includes(type))) {
    throw new TypeError(`"clients[].grantTypes" must be an array of ${GRANT_TYPES.join(', ')}`)
  }
}

function requireText<T extends object>(option: string, owner: T, names: (keyof T & string)[]) {
  for (const name of names) {
    if (typeof owner[name] !== 'string' || owner[name] === '') {
      throw new TypeError(`"${option}[].${name}" must be a non-empty string`)
    }
  }
}
