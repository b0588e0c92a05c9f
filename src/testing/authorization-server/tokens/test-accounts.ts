import type { JSONWebKeySet, JWTPayload } from 'jose'
import { refuseUnknownOptions } from '../../known-options.js'
import { type Scope, scopeValues } from '../../scope-values.js'

/** The grants that the embedded authorization server performs. */
export const grantTypes: readonly GrantType[] = ['password', 'client_credentials', 'refresh_token']

/** A grant that the embedded authorization server performs. */
export type GrantType = 'password' | 'client_credentials' | 'refresh_token'

/** Somebody who can sign in with the password grant. */
export interface TestUser {
  /** The name to sign in with. */
  username: string
  /** The password to sign in with. */
  password: string
  /** The subject identifier. Default: the username, or an id made from it as the profile has them. */
  sub?: string | undefined
  /** More claims for the user's access and ID tokens. Those of the protocol can't be replaced. */
  claims?: JWTPayload | undefined
  /** The scope that the user may be granted. Default: everything that the server offers. */
  scope?: Scope | undefined
}

/** A client of the embedded authorization server. */
export interface TestClient {
  /** The client's id. */
  clientId: string
  /** The secret, for client_secret_basic and client_secret_post. */
  clientSecret?: string | undefined
  /** The public keys, for private_key_jwt. A client with neither secret nor keys is public. */
  jwks?: JSONWebKeySet | undefined
  /** The grants that it may use. Default: all; a public client never gets client_credentials. */
  grantTypes?: readonly GrantType[] | undefined
  /** The scope that it may be granted. Default: everything that the server offers. */
  scope?: Scope | undefined
}

/** The user that the server knows where no others are given: testuser1@example.com, demo-password. */
export const testUser = Object.freeze({
  username: 'testuser1@example.com',
  password: 'demo-password',
}) satisfies TestUser

/** The client that the server knows where no others are given: demo-client, demo-secret. */
export const testClient = Object.freeze({
  clientId: 'demo-client',
  clientSecret: 'demo-secret',
}) satisfies TestClient

/** @throws {TypeError} naming the member that is wrong */
export function requireUser(user: TestUser): void {
  refuseUnknownOptions('a user', user, ['username', 'password', 'sub', 'claims', 'scope'])
  requireText('users', user, ['username', 'password'])
  if (user.sub !== undefined) requireText('users', user, ['sub'])
  scopeValues('users[].scope', user.scope ?? [])
}

/** @throws {TypeError} naming the member that is wrong */
export function requireClient(client: TestClient): void {
  const known = ['clientId', 'clientSecret', 'jwks', 'grantTypes', 'scope']
  refuseUnknownOptions('a client', client, known)
  requireText('clients', client, ['clientId'])
  if (client.clientSecret !== undefined) requireText('clients', client, ['clientSecret'])
  scopeValues('clients[].scope', client.scope ?? [])
  const types: unknown = client.grantTypes ?? grantTypes
  if (!Array.isArray(types) || !types.every((type) => grantTypes.includes(type))) {
    throw new TypeError(`"clients[].grantTypes" must be an array of ${grantTypes.join(', ')}`)
  }
}

function requireText<T extends object>(option: string, owner: T, names: (keyof T & string)[]) {
  for (const name of names) {
    if (typeof owner[name] !== 'string' || owner[name] === '') {
      throw new TypeError(`"${option}[].${name}" must be a string that is not empty`)
    }
  }
}
