import type { CryptoKey, JWK } from 'jose'
import type { ClientAuth, DPoPHandle } from 'oauth4webapi'
import { canParseUrl } from '../../base/can-parse-url.js'
import {
  type ClientAuthentication,
  clientAuthentication,
} from '../../http/client-authentication.js'
import { type Redact, redactor } from '../../http/redaction.js'
import { isLoopback } from '../../http/secure-url.js'
import { createDPoPHandle } from '../dpop/dpop-handle.js'
import { type DPoPKey, requireDPoPKey } from '../dpop/dpop-key.js'
import { rejectUnknownOptions } from '../known-options.js'
import { type Scope, scopeValues } from '../scope-values.js'

/** Options of `passwordGrant`. */
export interface PasswordGrantOptions {
  /**
   * The authorization server's issuer identifier, such as
   * `https://example.okta.com/oauth2/default`, from which the token endpoint is discovered. The
   * identifier must be an https URL, or an http URL with a loopback host. Exactly one of `issuer`
   * and `tokenEndpoint` is required.
   */
  issuer?: string | URL | undefined
  /**
   * The URL of the token endpoint, for a request without discovery. It must be an https URL, or an
   * http URL with a loopback host. The URL is also the audience of a `private_key_jwt` assertion,
   * for servers that reject the issuer as audience; servers that follow
   * draft-ietf-oauth-rfc7523bis, such as the embedded one, reject such an assertion.
   */
  tokenEndpoint?: string | URL | undefined
  /** The client identifier, sent as `client_id`. */
  clientId: string
  /** The client secret. Absent for a public client and for `private_key_jwt`. */
  clientSecret?: string | undefined
  /**
   * The private key for `private_key_jwt`: a `CryptoKey`, or a JWK with `alg`. The assertion has a
   * `kid` only if the JWK has one.
   */
  privateKey?: CryptoKey | JWK | undefined
  /**
   * The client authentication method. Default: `client_secret_basic` for a client with a secret,
   * `private_key_jwt` for a client with a private key, otherwise `none`.
   */
  clientAuthentication?: ClientAuthentication | undefined
  /** The name with which the user signs in. */
  username: string
  /** The password with which the user signs in. */
  password: string
  /** The requested scope. Default: the request has no `scope` parameter. */
  scope?: Scope | undefined
  /**
   * The key of `generateDPoPKey()` to which the server binds the tokens (RFC 9449 §5). The request
   * then has a DPoP proof, and a response whose `token_type` is not DPoP is an error. Default:
   * bearer tokens.
   */
  dpop?: DPoPKey | undefined
  /**
   * Additional parameters of the token request, such as Auth0's `audience` or RFC 8707's
   * `resource`. Parameters that `passwordGrant` sets itself, such as `scope`, are rejected.
   */
  parameters?: Readonly<Record<string, string>> | undefined
  /**
   * Time limit for the whole exchange, including discovery and the response bodies, in
   * milliseconds. Default 10000; 1 to 2147483647.
   */
  timeout?: number | undefined
  /** If this signal aborts, `passwordGrant` rejects with the reason of the signal. */
  signal?: AbortSignal | undefined
  /** Replaces the global `fetch`, for a proxy or a private certificate authority. */
  fetch?: typeof globalThis.fetch | undefined
  /**
   * Allows this function to run under `NODE_ENV=production`, although RFC 9700 §2.4 says that the
   * password grant MUST NOT be used. Default false.
   */
  dangerouslyAllowProduction?: boolean | undefined
}

const KNOWN_OPTIONS = [
  'issuer',
  'tokenEndpoint',
  'clientId',
  'clientSecret',
  'privateKey',
  'clientAuthentication',
  'username',
  'password',
  'scope',
  'dpop',
  'parameters',
  'timeout',
  'signal',
  'fetch',
  'dangerouslyAllowProduction',
] as const satisfies readonly (keyof PasswordGrantOptions)[]

/** Parameters of a token request that the option `parameters` must not contain. */
export const RESERVED_PARAMETERS: readonly string[] = [
  'grant_type',
  'username',
  'password',
  'scope',
  'client_id',
  'client_secret',
  'client_assertion',
  'client_assertion_type',
]

/** The validated options, prepared for the request. */
export interface PreparedGrant {
  location: { issuer: URL } | { tokenEndpoint: URL }
  clientId: string
  authentication: ClientAuth
  parameters: URLSearchParams
  /** Creates the DPoP proofs; `undefined` for bearer tokens. */
  dpopHandle: DPoPHandle | undefined
  timeout: number
  signal: AbortSignal | undefined
  fetch: typeof globalThis.fetch
  redact: Redact
}

/**
 * Validates the options and prepares them for the request.
 *
 * @throws {TypeError} that names the option and the rule, but no value.
 */
export async function prepareGrant(options: PasswordGrantOptions): Promise<PreparedGrant> {
  rejectUnknownOptions('passwordGrant', options, KNOWN_OPTIONS)
  rejectProduction(options)
  const location = readLocation(options)
  for (const name of ['clientId', 'username', 'password'] as const) {
    requireString(name, options[name])
  }
  if (options.clientSecret !== undefined) requireString('clientSecret', options.clientSecret)
  const { clientId, username, password, clientSecret, dpop, timeout = 10_000 } = options
  if (dpop !== undefined) requireDPoPKey('dpop', dpop)
  if (!Number.isInteger(timeout) || timeout < 1 || timeout > 2_147_483_647) {
    throw new TypeError('"timeout" must be a whole number of milliseconds from 1 to 2147483647')
  }
  if (options.signal !== undefined && !(options.signal instanceof AbortSignal)) {
    throw new TypeError('"signal" must be an AbortSignal')
  }
  if (options.fetch !== undefined && typeof options.fetch !== 'function') {
    throw new TypeError('"fetch" must be a function with the signature of the global fetch')
  }
  return {
    location,
    clientId,
    authentication: await clientAuthentication(options),
    parameters: requestParameters(options),
    dpopHandle: dpop && createDPoPHandle(dpop),
    timeout,
    signal: options.signal,
    fetch: options.fetch ?? globalThis.fetch,
    redact: redactor(
      clientSecret === undefined ? [username, password] : [username, password, clientSecret],
      clientId,
    ),
  }
}

function rejectProduction({ dangerouslyAllowProduction }: PasswordGrantOptions): void {
  if (process.env.NODE_ENV === 'production' && dangerouslyAllowProduction !== true) {
    throw new TypeError(
      'passwordGrant is for tests and legacy systems and does not run under NODE_ENV=production (RFC 9700 §2.4) unless "dangerouslyAllowProduction" is true',
    )
  }
}

/**
 * Returns the given issuer or token endpoint as a URL.
 *
 * @throws {TypeError} if both or neither are given, or the URL is invalid.
 */
export function readLocation({
  issuer,
  tokenEndpoint,
}: Pick<PasswordGrantOptions, 'issuer' | 'tokenEndpoint'>): PreparedGrant['location'] {
  if ((issuer === undefined) === (tokenEndpoint === undefined)) {
    throw new TypeError('Exactly one of "issuer" and "tokenEndpoint" must be given')
  }
  if (issuer === undefined) {
    return { tokenEndpoint: readUrl('tokenEndpoint', tokenEndpoint as string | URL) }
  }
  const url = readUrl('issuer', issuer)
  if (url.search !== '') {
    throw new TypeError('"issuer" must have no query (RFC 8414 §2)')
  }
  if (/\/\.well-known(?:\/|$)/i.test(url.pathname)) {
    throw new TypeError('"issuer" must be the issuer identifier, not the URL of its metadata')
  }
  return { issuer: url }
}

function readUrl(option: string, value: string | URL): URL {
  if (!canParseUrl(String(value))) {
    throw new TypeError(`"${option}" must be an absolute URL, such as https://example.com/…`)
  }
  const url = new URL(value)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url))) {
    throw new TypeError(
      `"${option}" must be an https URL; http is allowed only for loopback addresses`,
    )
  }
  if (url.username !== '' || url.password !== '' || url.hash !== '') {
    throw new TypeError(`"${option}" must not contain a user name, a password or a fragment`)
  }
  return url
}

function requireString(option: string, value: unknown): void {
  if (typeof value !== 'string' || value === '') {
    throw new TypeError(`"${option}" must be a non-empty string`)
  }
}

function requestParameters(options: PasswordGrantOptions): URLSearchParams {
  const { username, password, scope, parameters = {} } = options
  const sent = new URLSearchParams({ username, password })
  const values = scope === undefined ? [] : scopeValues('scope', scope)
  if (values.length > 0) sent.set('scope', values.join(' '))
  for (const [name, value] of Object.entries(parameters)) {
    if (RESERVED_PARAMETERS.includes(name)) {
      throw new TypeError(
        `"parameters" must not contain "${name}": passwordGrant sets this parameter itself`,
      )
    }
    requireString(`parameters.${name}`, value)
    sent.set(name, value)
  }
  return sent
}
