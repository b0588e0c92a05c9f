/**
 * Validates the option `issuer`: the trusted authorization servers, or a function that resolves
 * them.
 */
import { isAsymmetric, isSymmetric } from '../base/algorithms.js'
import {
  booleanOr,
  elementsOf,
  isPlainObject,
  members,
  numberIn,
  ownMember,
  reject,
} from '../base/check.js'
import {
  ISSUER_OPTIONS,
  type IssuerOptions,
  type ResolvedIssuer,
  resolveIssuer,
} from './options.js'

/**
 * Options of a tenant's issuer. The issuer identifier is the `iss` that the function was called
 * with.
 */
export type IssuerResolution = Omit<IssuerOptions, 'issuer'> & {
  /** If set, must equal the `iss` that the function was called with. */
  issuer?: string
}

/**
 * Resolves the issuer that a token names. Returns its options; `true` if the top-level options
 * suffice; `undefined`, `null` or `false` if the issuer is not trusted.
 *
 * Compare `iss` exactly with the issuers that you trust. The keys of a returned issuer are fetched,
 * and that issuer can then issue tokens for any user: trusting every `iss` on a domain means
 * trusting every party that can obtain a name there.
 *
 * A result is cached (`tenants.cacheMaxAge`), unless the function has a second parameter
 * (`tenants.perRequest`). In that case the result may depend on the context of the token (in a
 * Fastify API, the request), so the function is called and the token verified for each request. If
 * the function throws, the response is a 500 with a fixed message, and the logged error has the
 * thrown error as its `cause`.
 *
 * The function is called only for strings that can be an issuer identifier: 1 to 512 letters,
 * digits and `-._~:/[]@!$&'()*+,;=%`, without dot segments. It is called for a URL only if the URL
 * has no credentials and URL parsers would not write it differently. Some identifiers are not URLs,
 * such as `acme.com`, so look the string up instead of parsing it. The result for an identifier
 * that is not an https URL (http on loopback) must name the source of the keys. Functions, stores,
 * `KeyObject`s and `CryptoKey`s in a result are compared by identity: create them once, otherwise
 * the issuer's keys are read or fetched again.
 *
 * @example
 * ```ts
 * await app.register(resourceServer, { issuer: (iss) => database.tenantByIssuer(iss) })
 * ```
 */
export type IssuerResolver<Context = unknown> = (
  iss: string,
  context: Context,
) =>
  | IssuerResolution
  | boolean
  | null
  | undefined
  | Promise<IssuerResolution | boolean | null | undefined>

/**
 * Options for caching the results of a function as `issuer`. Times are whole milliseconds.
 *
 * @example
 * ```ts
 * await app.register(resourceServer, {
 *   issuer: (iss) => database.tenantByIssuer(iss),
 *   tenants: { maxEntries: 5_000, cacheMaxAge: 60_000 },
 * })
 * ```
 */
export interface TenantsOptions {
  /**
   * Maximum number of cached trusted issuers, and of key sets. In addition, up to the same number
   * of issuers may be cached while none of their tokens has had valid claims. Set the maximum above
   * the number of tenants: otherwise the least recently used issuer is evicted, and its keys are
   * fetched again on its next use.
   * Default 1,000; 1 to 100,000.
   */
  maxEntries?: number
  /**
   * Time for which a trusted issuer is cached, in milliseconds. After the application stops
   * trusting an issuer, its tokens may be accepted for that long. Default 300,000 (five
   * minutes); 0 to 86,400,000 (a day).
   */
  cacheMaxAge?: number
  /**
   * Time for which an untrusted issuer is cached, in milliseconds. This negative cache has at most
   * 10,000 entries. Default 60,000; 0 to 86,400,000.
   */
  negativeCacheMaxAge?: number
  /**
   * Whether the result depends on the request. If true, the function is called for each request.
   * Default: true if the function has a second parameter, that is, if its `length` is 2 or more; a
   * parameter with a default value does not count.
   */
  perRequest?: boolean
}

interface IssuersOptions extends Omit<IssuerOptions, 'issuer'> {
  issuer: string | IssuerOptions | readonly (string | IssuerOptions)[] | IssuerResolver
  tenants?: TenantsOptions
}

/** The options `issuer` and `tenants`, checked, with every default filled in. */
export type ResolvedIssuers =
  | { readonly from: 'options'; readonly issuers: readonly ResolvedIssuer[] }
  | {
      readonly from: 'application'
      /** {@link ResolvedIssuer.claimsInsteadOfAudience} in the defaults of all tenants. */
      readonly claimsInsteadOfAudience: ResolvedIssuer['claimsInsteadOfAudience']
      readonly callResolver: (iss: string, context: unknown) => unknown
      readonly dependsOnContext: boolean
      /** @throws {TypeError} that states what is wrong with the result of the function. */
      readonly resolve: (iss: string, resolution: unknown) => ResolvedIssuer
      readonly maxEntries: number
      readonly cacheMaxAge: number
      readonly negativeCacheMaxAge: number
    }

/**
 * Validates the options `issuer` and `tenants`.
 *
 * @throws {TypeError} that names the option and the fix.
 */
export function resolveIssuers(options: IssuersOptions): ResolvedIssuers {
  const { issuer, tenants } = options
  if (typeof issuer === 'function') return resolveTenantsOption(options, issuer)
  if (tenants !== undefined) reject('tenants', 'requires a function as "issuer"')
  return { from: 'options', issuers: resolveListed(options) }
}

function resolveTenantsOption(options: IssuersOptions, resolver: IssuerResolver): ResolvedIssuers {
  const keys = ['maxEntries', 'cacheMaxAge', 'negativeCacheMaxAge', 'perRequest']
  const { tenants: tenantsOption = {} } = options
  const tenants = members(
    'tenants',
    tenantsOption,
    keys,
    `must be an object with some of ${keys.join(', ')}`,
  )
  requireNoSharedKeys(options, 'return it from the function "issuer"')
  const perRequest = booleanOr('tenants.perRequest', tenants.perRequest, resolver.length > 1)
  const defaults = defaultsIn(options)
  const { claimsInsteadOfAudience } = validateSharedOptions(defaults)
  const milliseconds = (name: 'cacheMaxAge' | 'negativeCacheMaxAge', fallback: number) =>
    numberIn(`tenants.${name}`, tenants[name] ?? fallback, {
      minimum: 0,
      maximum: 86_400_000,
      unit: 'milliseconds',
    })
  return Object.freeze({
    from: 'application' as const,
    claimsInsteadOfAudience,
    // Withholds the context, so that a cached result cannot depend on it.
    callResolver: perRequest ? resolver : (iss: string) => resolver(iss, undefined),
    dependsOnContext: perRequest,
    resolve: (iss: string, resolution: unknown) => resolveTenant(defaults, iss, resolution),
    maxEntries: numberIn('tenants.maxEntries', tenants.maxEntries ?? 1_000, {
      minimum: 1,
      maximum: 100_000,
      unit: 'tenants',
    }),
    cacheMaxAge: milliseconds('cacheMaxAge', 300_000),
    negativeCacheMaxAge: milliseconds('negativeCacheMaxAge', 60_000),
  })
}

/**
 * Validates the top-level options of all tenants at registration, instead of on the first token.
 */
function validateSharedOptions(defaults: Partial<IssuerOptions>): ResolvedIssuer {
  const algorithms = ownMember(defaults, 'algorithms')
  const isForSecrets = Array.isArray(algorithms) && algorithms.some(isSymmetric)
  const isForBoth = isForSecrets && algorithms.some(isAsymmetric)
  const comparesAudience = ownMember(defaults, 'dangerouslyNoAudience') === undefined
  return resolveIssuer({
    ...(comparesAudience && { audience: 'any' }),
    ...defaults,
    ...(isForSecrets && { secret: new Uint8Array(64) }),
    ...(isForBoth && { dangerouslyAllowSecretWithKeys: true }),
    issuer: 'https://tenant.example',
  })
}

function resolveTenant(defaults: object, iss: string, resolution: unknown): ResolvedIssuer {
  const tenantOptions = resolution === true ? {} : resolution
  if (!isPlainObject(tenantOptions)) {
    throw new TypeError(
      'the function "issuer" must return the options of an issuer, true, or undefined, null or ' +
        'false',
    )
  }
  const namedIssuer = ownMember(tenantOptions, 'issuer')
  if (namedIssuer !== undefined && namedIssuer !== iss) {
    throw new TypeError(
      'the function "issuer" returned an "issuer" that is not the "iss" it was called with: omit it',
    )
  }
  const resolved = resolveIssuer(withDefaults(defaults, { ...tenantOptions, issuer: iss }))
  if (resolved.introspection?.mode === 'opaque' && !resolved.introspectionOnly) {
    throw new TypeError(
      'the function "issuer" returned an "introspection" with the mode opaque, but the function is ' +
        'never called for opaque tokens, because they name no issuer: set "mode" to "always" or ' +
        '"recheck"',
    )
  }
  return resolved
}

function resolveListed(options: IssuersOptions): readonly ResolvedIssuer[] {
  const listed = elementsOf(options.issuer) ?? [options.issuer]
  if (listed.length === 0) reject('issuer', 'must contain at least one authorization server')
  if (listed.length > 1)
    requireNoSharedKeys(options, 'move it to the object of that issuer in "issuer"')
  const defaults = defaultsIn(options)
  const issuers = listed.map((options: unknown) => resolveIssuer(withDefaults(defaults, options)))
  const identifiers = issuers.map(({ issuer }) => issuer)
  const duplicate = identifiers.find((name, i) => identifiers.indexOf(name) !== i)
  if (duplicate !== undefined) reject('issuer', `must not contain ${duplicate} twice`)
  requireOneOpaqueFallback(issuers)
  return Object.freeze(issuers)
}

function defaultsIn(options: IssuersOptions): Partial<IssuerOptions> {
  return Object.fromEntries(
    ISSUER_OPTIONS.filter((key) => options[key] !== undefined).map((key) => [key, options[key]]),
  )
}

function withDefaults(defaults: object, issuer: unknown): IssuerOptions {
  if (!isPlainObject(issuer)) return { ...defaults, issuer: issuer as string }
  // A member that is undefined counts as absent, so that it cannot lift a restriction of the
  // defaults.
  const missing = Object.entries(defaults).filter(([name]) => ownMember(issuer, name) === undefined)
  const merged = { ...(issuer as unknown as IssuerOptions), ...Object.fromEntries(missing) }
  const [shared, jwks] = [ownMember(defaults as IssuerOptions, 'jwks'), ownMember(issuer, 'jwks')]
  if (!isPlainObject(shared) || !isPlainObject(jwks)) return merged
  return { ...merged, jwks: { ...shared, ...jwks } }
}

/**
 * Requires that at most one issuer introspects every opaque token, because an opaque token names no
 * issuer, and must not be sent to an issuer that did not issue it.
 */
function requireOneOpaqueFallback(issuers: readonly ResolvedIssuer[]): void {
  const fallbacks = issuers.filter(({ introspection }) => introspection?.opaqueTokens === 'any')
  if (fallbacks.length < 2) return
  const names = fallbacks.map(({ issuer }) => issuer).join(' and ')
  reject(
    'introspection.opaqueTokens',
    `selects every opaque token for more than one issuer (${names}): for all but one of them, set a ` +
      'function that recognizes the tokens of the issuer, or false (with "introspection.mode" ' +
      'always or recheck)',
  )
}

/**
 * Rejects keys and client credentials in shared options, because they belong to one issuer only.
 */
function requireNoSharedKeys(
  { jwksUri, jwks, secret, dangerouslyAllowSecretWithKeys, introspection }: IssuersOptions,
  fix: string,
): void {
  const keys = isPlainObject(jwks) ? ownMember(jwks, 'keys') : undefined
  const shared = Object.entries({
    jwksUri,
    'jwks.keys': keys,
    secret,
    dangerouslyAllowSecretWithKeys,
    introspection,
  })
  const [name] = shared.find(([, value]) => value !== undefined) ?? []
  if (name === undefined) return
  reject(name, `belongs to one issuer: ${fix}`)
}
