import { canParseUrl } from '../../base/can-parse-url.js'
import { httpUrl, isLoopback } from '../../http/secure-url.js'
import { rejectUnknownOptions } from '../known-options.js'
import { type Scope, scopeValues } from '../scope-values.js'
import { requireSigningAlgorithm, type SigningAlgorithm } from './tokens/signing-keys.js'
import {
  requireClient,
  requireUser,
  type TestClient,
  type TestUser,
  testClient,
  testUser,
} from './tokens/test-accounts.js'
import type { TokenEncryption } from './tokens/token-encryption.js'
import { TOKEN_PROFILES, type TokenProfileName } from './tokens/token-profiles.js'

/** The format of access tokens: `'jwt'`, or `'opaque'` for a random string. */
export type AccessTokenFormat = 'jwt' | 'opaque'

/** Options of `createAuthorizationServer`. */
export interface AuthorizationServerOptions {
  /** The TCP port. 0 selects a free port. Default 0; 0 to 65535. */
  port?: number | undefined
  /**
   * The loopback host name or address on which the server listens. With `dangerouslyAllowRemote`,
   * any host name or address of this machine, such as `0.0.0.0`. Default `127.0.0.1`.
   */
  host?: string | undefined
  /**
   * The scheme, host and port at which clients reach the server, such as `http://auth:9000` in a
   * network of containers; the issuer identifier and all endpoints begin with it. Requires
   * `dangerouslyAllowRemote`. Default: the host and port on which the server listens, or
   * `127.0.0.1` or `[::1]` if it listens on all addresses.
   */
  publicUrl?: string | undefined
  /**
   * The path of the issuer identifier: `''`, or a path that starts with `/`. A trailing slash is
   * allowed. Default: the path that the profile defines, which is `/oauth2/default` for `standard`.
   */
  issuerPath?: string | undefined
  /**
   * The `aud` of access tokens. Default `api://default`; with `entra` a GUID, and with `keycloak`
   * `account`.
   *
   * With `cognito`, access tokens have no `aud` by default. An API compares their `client_id`
   * instead, so the audience of such an API consists of all client ids.
   *
   * With `auth0`, the `aud` also contains the URL of the UserInfo endpoint if the scope contains
   * `openid`.
   *
   * With `standard`, a client that sends the parameter `resource` (RFC 8707) gets an access token
   * with this resource as `aud` instead; the server accepts every absolute URI without a
   * fragment.
   */
  audience?: string | readonly string[] | undefined
  /**
   * The users who can sign in. Default: {@link testUser}. By default, `issueToken` issues tokens
   * for the first user.
   */
  users?: readonly TestUser[] | undefined
  /** The clients; at least one is required. Default: {@link testClient}. */
  clients?: readonly TestClient[] | undefined
  /**
   * The scope values that the server offers. Default: `openid profile email offline_access
   * orders:read orders:write`.
   */
  scope?: Scope | undefined
  /**
   * The provider whose token format the server imitates. The `iss` always names this server.
   * Default `standard`.
   */
  profile?: TokenProfileName | undefined
  /**
   * The format of access tokens: `jwt`, or `opaque` for random strings that only introspection can
   * validate. Default `jwt`.
   */
  accessTokenFormat?: AccessTokenFormat | undefined
  /**
   * The key and algorithms with which the server encrypts access tokens that are JWTs. Default: the
   * server does not encrypt.
   */
  encryption?: TokenEncryption | undefined
  /** The signature algorithm of tokens. Default `RS256`. */
  algorithm?: SigningAlgorithm | undefined
  /** Lifetime of access tokens and ID tokens, in seconds. Default 3600; at least 1. */
  accessTokenLifetime?: number | undefined
  /** The `max-age` in the `Cache-Control` of the key set, in seconds. Default 300; at least 0. */
  keySetMaxAge?: number | undefined
  /** Returns the current time, in milliseconds since the epoch. Default `Date.now`. */
  now?: (() => number) | undefined
  /**
   * Allows the server to run under `NODE_ENV=production`, although the credentials of its default
   * client and user are public knowledge. Default false.
   */
  dangerouslyAllowProduction?: boolean | undefined
  /**
   * Allows `host` and `publicUrl` other than loopback, although everyone who reaches the server can
   * then get tokens with the publicly known credentials of its default client and user. The server
   * then also accepts requests whose `Host` is an IP address, or the host in `host` or `publicUrl`.
   * Default false.
   */
  dangerouslyAllowRemote?: boolean | undefined
}

export const DEFAULT_SCOPE = [
  'openid',
  'profile',
  'email',
  'offline_access',
  'orders:read',
  'orders:write',
] as const

const DEFAULTS = {
  port: 0,
  host: '127.0.0.1',
  users: [testUser],
  clients: [testClient],
  scope: DEFAULT_SCOPE,
  profile: 'standard',
  accessTokenFormat: 'jwt',
  algorithm: 'RS256',
  accessTokenLifetime: 3600,
  keySetMaxAge: 300,
  // Reads `Date.now` at each call, so that a test can install a fake clock after the start of the
  // server.
  now: () => Date.now(),
  dangerouslyAllowProduction: false,
  dangerouslyAllowRemote: false,
} as const satisfies AuthorizationServerOptions

type Complete<T> = { [K in keyof T]-?: Exclude<T[K], undefined> }

/** The validated options, with all defaults applied. */
export type ServerSettings = Omit<
  Complete<AuthorizationServerOptions>,
  'clients' | 'encryption' | 'publicUrl' | 'scope'
> & {
  /** The option `audience`; `undefined` if the caller did not set it. */
  audienceOption: string | readonly string[] | undefined
  clients: readonly [TestClient, ...TestClient[]]
  /** The option `encryption`, which is not validated; `undefined` if the caller did not set it. */
  encryption: TokenEncryption | undefined
  /** The origin; `undefined` if the caller did not set it. */
  publicUrl: string | undefined
  scope: readonly string[]
}

/**
 * Validates the options and applies the defaults.
 *
 * @throws {TypeError} that names the option and the rule.
 */
export function readSettings(options: AuthorizationServerOptions): ServerSettings {
  const known = [...Object.keys(DEFAULTS), 'issuerPath', 'audience', 'encryption', 'publicUrl']
  rejectUnknownOptions('createAuthorizationServer', options, known)
  rejectProduction(options)
  const given = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as AuthorizationServerOptions
  const profile = given.profile ?? DEFAULTS.profile
  requireThat(isProfileName(profile), 'profile', `one of ${PROFILE_NAMES.join(', ')}`)
  const { issuerPath: profilePath, audience: profileAudience } = TOKEN_PROFILES[profile]
  const settings = {
    ...DEFAULTS,
    issuerPath: profilePath,
    ...given,
  } as Complete<AuthorizationServerOptions>
  const { port, issuerPath, clients, users, accessTokenLifetime, keySetMaxAge } = settings
  requireThat(isWhole(port, 0) && port <= 65_535, 'port', 'a whole number from 0 to 65535')
  requireHost(settings)
  requireThat(
    typeof issuerPath === 'string' && /^(\/[\w.~-]+)*\/?$/.test(issuerPath),
    'issuerPath',
    'empty, or a path such as /oauth2/default',
  )
  if (given.audience !== undefined) {
    requireThat(
      isAudience(given.audience),
      'audience',
      'a non-empty string, or an array of at least one non-empty string',
    )
  }
  requireThat(Array.isArray(users), 'users', 'an array of users')
  requireThat(
    Array.isArray(clients) && clients.length > 0,
    'clients',
    'an array of at least one client',
  )
  requireAccessTokenFormat('accessTokenFormat', settings.accessTokenFormat)
  requireSigningAlgorithm(settings.algorithm)
  requireThat(
    isWhole(accessTokenLifetime, 1),
    'accessTokenLifetime',
    'a whole number of seconds, at least 1',
  )
  requireThat(isWhole(keySetMaxAge, 0), 'keySetMaxAge', 'a whole number of seconds, at least 0')
  requireThat(
    typeof settings.now === 'function',
    'now',
    'a function that returns milliseconds since the epoch',
  )
  users.forEach(requireUser)
  clients.forEach(requireClient)
  return {
    ...settings,
    audience: given.audience ?? profileAudience ?? idsOf(clients),
    audienceOption: given.audience,
    publicUrl: publicOrigin(settings),
    clients: clients as ServerSettings['clients'],
    scope: scopeValues('scope', settings.scope),
  }
}

function rejectProduction({ dangerouslyAllowProduction }: AuthorizationServerOptions): void {
  if (process.env.NODE_ENV === 'production' && dangerouslyAllowProduction !== true) {
    throw new TypeError(
      'createAuthorizationServer is for tests and demonstrations and does not run under NODE_ENV=production unless "dangerouslyAllowProduction" is true: the credentials of its default client and user are public knowledge',
    )
  }
}

/** Returns all client ids: a string for one client, otherwise an array. */
function idsOf(clients: readonly TestClient[]): string | readonly string[] {
  const [first, ...others] = clients.map(({ clientId }) => clientId) as [string, ...string[]]
  return others.length === 0 ? first : [first, ...others]
}

const PROFILE_NAMES = Object.keys(TOKEN_PROFILES)

function isProfileName(name: unknown): name is TokenProfileName {
  return typeof name === 'string' && PROFILE_NAMES.includes(name)
}

/** @throws {TypeError} that names the option, unless `format` is `'jwt'` or `'opaque'`. */
export function requireAccessTokenFormat(option: string, format: unknown): void {
  requireThat(format === 'jwt' || format === 'opaque', option, '"jwt" or "opaque"')
}

function requireThat(condition: boolean, option: string, expected: string): void {
  if (!condition) throw new TypeError(`"${option}" must be ${expected}`)
}

function isWhole(value: unknown, least: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least
}

function requireHost({ host, dangerouslyAllowRemote }: AuthorizationServerOptions): void {
  const origin = `http://${urlHost(String(host))}`
  const isHost = /^[\w.:-]+$/.test(String(host)) && canParseUrl(origin)
  if (dangerouslyAllowRemote === true) {
    requireThat(isHost, 'host', 'a host name or address of this machine')
  } else {
    requireThat(
      isHost && isLoopback(new URL(origin)),
      'host',
      'a loopback host name or address, unless "dangerouslyAllowRemote" is true',
    )
  }
}

/** Returns the origin of the option `publicUrl`; `undefined` if the option is absent. */
function publicOrigin({
  publicUrl,
  dangerouslyAllowRemote,
}: AuthorizationServerOptions): string | undefined {
  if (publicUrl === undefined) return undefined
  const url = httpUrl(publicUrl)
  requireThat(
    dangerouslyAllowRemote === true && url !== undefined && `${url.origin}/` === url.href,
    'publicUrl',
    'an http or https URL without path, such as http://auth:9000, and needs "dangerouslyAllowRemote"',
  )
  return url?.origin
}

function isAudience(audience: unknown): boolean {
  const values = Array.isArray(audience) ? audience : [audience]
  return values.length > 0 && values.every((value) => typeof value === 'string' && value !== '')
}

/** Returns the path prefix of the endpoints: the issuer's path without a trailing slash. */
export function basePath(issuerPath: string): string {
  return issuerPath.replace(/\/$/, '')
}

/** Returns the host as a URL contains it: an IPv6 address is put in brackets. */
export function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
