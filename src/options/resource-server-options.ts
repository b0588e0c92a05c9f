/** What may be said about the resource server as a whole, and its check. */
import { isQuotable } from '../challenge.js'
import { functionOrUndefined, isPlainObject, numberIn, reject, requireKnownKeys } from './check.js'
import {
  ISSUER_OPTIONS,
  type IssuerOptions,
  type ResolvedIssuer,
  resolveIssuer,
} from './issuer-options.js'

/**
 * Options of a resource server. What an issuer takes may stand here as well, and then holds for
 * every issuer that doesn't say otherwise; only its keys (`jwksUri`, `jwks.keys`, `secret`) belong
 * to a single one.
 */
export interface ResourceServerOptions extends Omit<IssuerOptions, 'issuer'> {
  /** The authorization servers to trust: their names, or objects that say more. At least one. */
  issuer: string | IssuerOptions | readonly (string | IssuerOptions)[]

  /**
   * How far the issuer's clock and ours may be apart, in seconds: for `exp`, `nbf` and `iat`.
   * Default 30; from 0 to 300.
   */
  clockTolerance?: number

  /**
   * The longest time since `iat`, in seconds, whatever `exp` says. A token without `iat` is then
   * refused. Default: no limit but `exp`.
   */
  maxTokenAge?: number

  /** A longer token is refused unread. In characters. Default 8,192; from 256 to 65,536. */
  maxTokenLength?: number

  /** The protection space in the challenge (RFC 9110 §11.5). Default `api`. */
  realm?: string

  /**
   * Verified tokens are not verified again while they are kept: time, trust in their key and the
   * whole token are compared on each use, so the verdict is the one a fresh look would give. `false`
   * turns it off. Default `{ maxEntries: 10_000, maxBytes: 67_108_864 }`, whichever comes first.
   */
  tokenCache?: false | TokenCacheOptions

  /** The time in milliseconds since the epoch. Default `Date.now`. For tests. */
  now?: () => number

  /** Told of what an operator should know, such as key sets that can't be fetched. Default: none. */
  logger?: Logger
}

export interface TokenCacheOptions {
  /** Default 10,000; from 1 to 10,000,000. */
  maxEntries?: number
  /** An estimate: the token's length and an allowance for its claims. Default 64 MiB. */
  maxBytes?: number
}

/** What a pino logger, such as Fastify's, looks like to us. */
export interface Logger {
  warn(details: object, message: string): void
}

const OWN_OPTIONS = [
  'clockTolerance',
  'maxTokenAge',
  'maxTokenLength',
  'realm',
  'tokenCache',
  'now',
  'logger',
] as const satisfies readonly (keyof ResourceServerOptions)[]

export const RESOURCE_SERVER_OPTIONS = [...ISSUER_OPTIONS, ...OWN_OPTIONS] as const

/** {@link ResourceServerOptions} checked, with every default filled in. */
export interface ResolvedOptions {
  readonly issuers: readonly ResolvedIssuer[]
  readonly limits: { readonly clockTolerance: number; readonly maxTokenAge: number | undefined }
  readonly maxTokenLength: number
  readonly realm: string
  readonly tokenCache: Readonly<Required<TokenCacheOptions>> | undefined
  readonly now: () => number
  /** The same for what waits: never set back, so that no wait becomes longer than it was. */
  readonly steadyNow: () => number
  readonly logger: Logger
}

/** @throws {TypeError} that names the option and the mend. */
export function resolveOptions(options: ResourceServerOptions): ResolvedOptions {
  requireKnownKeys('a resource server', options, RESOURCE_SERVER_OPTIONS)
  const { maxTokenAge } = options
  const now = functionOrUndefined('now', options.now)
  return Object.freeze({
    issuers: resolveIssuers(options),
    limits: Object.freeze({
      clockTolerance: numberIn('clockTolerance', options.clockTolerance ?? 30, {
        minimum: 0,
        maximum: 300,
        unit: 'seconds',
      }),
      maxTokenAge:
        maxTokenAge === undefined
          ? undefined
          : numberIn('maxTokenAge', maxTokenAge, {
              minimum: 1,
              maximum: 31_536_000,
              unit: 'seconds',
            }),
    }),
    maxTokenLength: numberIn('maxTokenLength', options.maxTokenLength ?? 8_192, {
      minimum: 256,
      maximum: 65_536,
      unit: 'characters',
    }),
    realm: resolveRealm(options.realm),
    tokenCache: resolveTokenCache(options.tokenCache),
    now: now ?? Date.now,
    steadyNow: now ?? (() => performance.timeOrigin + performance.now()),
    logger: resolveLogger(options.logger),
  })
}

function resolveIssuers(options: ResourceServerOptions): readonly ResolvedIssuer[] {
  const named = Array.isArray(options.issuer) ? options.issuer : [options.issuer]
  if (named.length === 0) reject('issuer', 'must name at least one authorization server')
  if (named.length > 1) requireNoSharedKeys(options)
  const defaults = Object.fromEntries(
    ISSUER_OPTIONS.filter((key) => options[key] !== undefined).map((key) => [key, options[key]]),
  )
  const issuers = named.map((one: unknown) => resolveIssuer(withDefaults(defaults, one)))
  const names = issuers.map(({ issuer }) => issuer)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) reject('issuer', `names ${twice} twice`)
  return Object.freeze(issuers)
}

function withDefaults(defaults: object, issuer: unknown): IssuerOptions {
  if (!isPlainObject(issuer)) return { ...defaults, issuer: issuer as string }
  const own = { ...defaults, ...(issuer as unknown as IssuerOptions) }
  const shared = (defaults as IssuerOptions).jwks
  if (!isPlainObject(shared) || !isPlainObject(issuer.jwks)) return own
  return { ...own, jwks: { ...shared, ...issuer.jwks } }
}

function requireNoSharedKeys({ jwksUri, jwks, secret }: ResourceServerOptions): void {
  const shared = Object.entries({ jwksUri, 'jwks.keys': jwks?.keys, secret })
  const [name] = shared.find(([, value]) => value !== undefined) ?? []
  if (name === undefined) return
  reject(name, 'belongs to one issuer: move it into that object of "issuer"')
}

function resolveRealm(realm: unknown = 'api'): string {
  if (typeof realm === 'string' && isQuotable(realm)) return realm
  return reject('realm', 'must be printable ASCII without quotation marks and backslashes')
}

function resolveTokenCache(options: ResourceServerOptions['tokenCache'] = {}) {
  if (options === false) return undefined
  requireKnownKeys('"tokenCache"', options, ['maxEntries', 'maxBytes'])
  return Object.freeze({
    maxEntries: numberIn('tokenCache.maxEntries', options.maxEntries ?? 10_000, {
      minimum: 1,
      maximum: 10_000_000,
      unit: 'tokens',
    }),
    maxBytes: numberIn('tokenCache.maxBytes', options.maxBytes ?? 67_108_864, {
      minimum: 65_536,
      maximum: 2 ** 40,
      unit: 'bytes',
    }),
  })
}

function resolveLogger(logger: Logger | undefined): Logger {
  if (logger === undefined) return { warn() {} }
  return typeof logger?.warn === 'function' ? logger : reject('logger', 'must have a method "warn"')
}
