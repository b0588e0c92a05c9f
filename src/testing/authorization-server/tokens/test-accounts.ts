import type { JSONWebKeySet, JWTPayload } from 'jose'
import { httpUrl } from '../../../http/secure-url.js'
import { rejectUnknownOptions } from '../../known-options.js'
import { type Scope, scopeValues } from '../../scope-values.js'
import { redirectUriProblem } from '../authorization/redirect-uris.js'

/** The grant types that the embedded authorization server supports. */
export const GRANT_TYPES: readonly GrantType[] = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  'password',
  'urn:ietf:params:oauth:grant-type:token-exchange',
]

/** A grant type that the embedded authorization server supports. */
export type GrantType =
  | 'password'
  | 'client_credentials'
  | 'refresh_token'
  | 'authorization_code'
  | 'urn:ietf:params:oauth:grant-type:token-exchange'

/** A user who can log in with the password grant, or at the login page. */
export interface TestUser {
  /** The name with which the user signs in. */
  username: string
  /** The password with which the user signs in. */
  password: string
  /**
   * The `sub` of the user's tokens. Default: the user name, or an id that the profile derives from
   * it. With the profile `okta`, the `sub` of access tokens is always the user name.
   */
  sub?: string | undefined
  /**
   * Additional claims for the user's access tokens and ID tokens. These claims cannot replace
   * claims that the protocol or the profile sets, except the groups with `cognito` and the roles
   * with `keycloak`. These claims replace the `preferred_username` and `email` that the granted
   * scope adds to ID tokens.
   */
  claims?: JWTPayload | undefined
  /** The scope that the user may be granted. Default: every value that the server offers. */
  scope?: Scope | undefined
}

/** A client of the embedded authorization server. */
export interface TestClient {
  /** The client identifier, sent as `client_id`. */
  clientId: string
  /** The client secret, for `client_secret_basic` and `client_secret_post`. */
  clientSecret?: string | undefined
  /**
   * The client's public keys, for `private_key_jwt`. A client without a secret and without keys is
   * a public client.
   */
  jwks?: JSONWebKeySet | undefined
  /**
   * The grant types that the client may use. A public client may never use `client_credentials` or
   * token exchange, and `authorization_code` requires `redirectUris`. If `refresh_token` is listed,
   * the client gets a refresh token with each authorization code; otherwise only with the scope
   * `offline_access`. Default: all grant types.
   */
  grantTypes?: readonly GrantType[] | undefined
  /**
   * The redirect URIs for authorization codes: https URLs, http URLs on a loopback host, or URIs of
   * native apps. They are compared exactly, except for the port after `127.0.0.1` or `[::1]`
   * (RFC 8252 §7.3). Default: none, so the client cannot use the authorization endpoint.
   */
  redirectUris?: readonly string[] | undefined
  /** The URIs to which the end session endpoint may redirect, compared exactly. Default: none. */
  postLogoutRedirectUris?: readonly string[] | undefined
  /** The name that the pages for login and consent show. Default: the client identifier. */
  name?: string | undefined
  /** The scope that the client may be granted. Default: every value that the server offers. */
  scope?: Scope | undefined
  /**
   * The URL to which the server sends a logout token when a session ends (OpenID Connect
   * Back-Channel Logout 1.0 §2.2). Default: the server sends none to this client.
   */
  backchannelLogoutUri?: string | undefined
}

/** The default user: the user name is `testuser1@example.com`, the password `demo-password`. */
export const testUser = Object.freeze({
  username: 'testuser1@example.com',
  password: 'demo-password',
}) satisfies TestUser

/** The default client: its id is `demo-client`, its secret `demo-secret`. */
export const testClient = Object.freeze({
  clientId: 'demo-client',
  clientSecret: 'demo-secret',
}) satisfies TestClient

/** @throws {TypeError} that names the invalid member of the user and the rule. */
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

/** @throws {TypeError} that names the invalid member of the client and the rule. */
export function requireClient(client: TestClient): void {
  const known = ['clientId', 'clientSecret', 'jwks', 'grantTypes', 'scope', 'backchannelLogoutUri']
  const forPages = ['redirectUris', 'postLogoutRedirectUris', 'name']
  rejectUnknownOptions('an entry of "clients"', client, [...known, ...forPages])
  requireText('clients', client, ['clientId'])
  if (client.clientSecret !== undefined) requireText('clients', client, ['clientSecret'])
  if (client.name !== undefined) requireText('clients', client, ['name'])
  requireRedirectUris('redirectUris', client.redirectUris ?? [])
  requireRedirectUris('postLogoutRedirectUris', client.postLogoutRedirectUris ?? [])
  scopeValues('clients[].scope', client.scope ?? [])
  if (client.backchannelLogoutUri !== undefined) {
    requireLogoutUri('clients[].backchannelLogoutUri', client.backchannelLogoutUri)
  }
  const types: unknown = client.grantTypes ?? GRANT_TYPES
  if (!Array.isArray(types) || !types.every((type) => GRANT_TYPES.includes(type))) {
    throw new TypeError(`"clients[].grantTypes" must be an array of ${GRANT_TYPES.join(', ')}`)
  }
}

/** @throws {TypeError} that names the option, unless the value is an http or https URL. */
export function requireLogoutUri(option: string, uri: unknown): void {
  if (typeof uri === 'string' && !uri.includes('#') && httpUrl(uri) !== undefined) return
  throw new TypeError(`"${option}" must be an absolute http or https URL without a fragment`)
}

function requireRedirectUris(name: string, uris: readonly unknown[]): void {
  if (!Array.isArray(uris)) throw new TypeError(`"clients[].${name}" must be an array of URIs`)
  for (const [i, uri] of uris.entries()) {
    const problem = redirectUriProblem(uri)
    if (problem !== undefined) throw new TypeError(`"clients[].${name}[${i}]" ${problem}`)
  }
}

function requireText<T extends object>(option: string, owner: T, names: (keyof T & string)[]) {
  for (const name of names) {
    if (typeof owner[name] !== 'string' || owner[name] === '') {
      throw new TypeError(`"${option}[].${name}" must be a non-empty string`)
    }
  }
}
