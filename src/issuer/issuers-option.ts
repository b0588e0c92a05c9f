/** Which authorization servers are trusted: named in the options, or by the application when asked. */
import { isSymmetric } from '../base/algorithms.js'
import { booleanOr, isPlainObject, members, numberIn, ownMember, reject } from '../base/check.js'
import {
  ISSUER_OPTIONS,
  type IssuerOptions,
  type ResolvedIssuer,
  resolveIssuer,
} from './options.js'

/** What is known of a tenant's issuer. Its name is the one that was asked about. */
export type IssuerResolution = Omit<IssuerOptions, 'issuer'> & {
  /** May be repeated; another than the one that was asked about is an error. */
  issuer?: string
}

/**
 * Says of an issuer that a token names whether it is trusted, and how: with its options, with `true`
 * where those at the top level are enough, or with `undefined` (or `false`) if it isn't.
 *
 * Compare `iss` with what you know, exactly. Whatever you answer for is asked for its keys, and can
 * let in whomever it likes: an answer for every `iss` on some domain trusts everybody who gets a
 * name there.
 *
 * The answer for an issuer is kept (`tenants.cacheMaxAge`), unless the function takes a second parameter:
 * then it may depend on what the token came with (in a Fastify API, the request), so it is called
 * for each request, and each request's token is verified anew. If it throws, the response is a 500 with a
 * fixed message, and the error is the `cause` of the one in the log.
 *
 * It is called for strings that can be an issuer identifier only: of 1 to 512 letters, digits and
 * `-._~:/[]@!$&'()*+,;=%`, without dot segments, and for a URL only where URL parsers would not write
 * it differently. Many are no URL, such as `acme.com`: look the string up, and don't parse it. An
 * answer for an identifier that is no https URL (http on loopback) must say where the keys are.
 * Functions, stores and keys in an answer are compared by identity: create them once, or the issuer's
 * keys are fetched again.
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

/** How the answers of a function as `issuer` are kept. Times are in milliseconds. */
export interface TenantsOptions {
  /**
   * How many trusted issuers are kept, each with its keys: more than there are tenants, as the one
   * unused for longest makes room for another, and its keys are fetched anew. Default 1,000; from 1
   * to 100,000.
   */
  maxEntries?: number
  /**
   * How long an issuer stays trusted before the function is asked again, verified tokens included.
   * Default 300,000 (five minutes); up to 86,400,000 (a day).
   */
  cacheMaxAge?: number
  /**
   * How long one that isn't trusted stays so. 10,000 of them are kept. Default 60,000; up to
   * 86,400,000.
   */
  negativeCacheMaxAge?: number
  /**
   * Whether the function looks at the request, so that it is called for each one. Default: whether
   * it has a second parameter, which JavaScript tells only of one without a default value.
   */
  perRequest?: boolean
}

interface IssuersOptions extends Omit<IssuerOptions, 'issuer'> {
  issuer: string | IssuerOptions | readonly (string | IssuerOptions)[] | IssuerResolver
  tenants?: TenantsOptions
}

/** Checked, with every default filled in. */
export type ResolvedIssuers =
  | { readonly from: 'options'; readonly issuers: readonly ResolvedIssuer[] }
  | {
      readonly from: 'application'
      readonly ask: (iss: string, context: unknown) => unknown
      readonly dependsOnContext: boolean
      /** @throws {TypeError} that names what is wrong with the answer. */
      readonly resolve: (iss: string, answer: unknown) => ResolvedIssuer
      readonly maxEntries: number
      readonly cacheMaxAge: number
      readonly negativeCacheMaxAge: number
    }

/** @throws {TypeError} that names the option and the fix. */
export function resolveIssuers(options: IssuersOptions): ResolvedIssuers {
  const { issuer, tenants } = options
  if (typeof issuer === 'function') return resolveTenants(options, issuer)
  if (tenants !== undefined) reject('tenants', 'needs a function as "issuer"')
  return { from: 'options', issuers: resolveNamed(options) }
}

function resolveTenants(options: IssuersOptions, ask: IssuerResolver): ResolvedIssuers {
  const keys = ['maxEntries', 'cacheMaxAge', 'negativeCacheMaxAge', 'perRequest']
  const { tenants: given = {} } = options
  const tenants = members(
    'tenants',
    given,
    keys,
    `must be an object with some of ${keys.join(', ')}`,
  )
  requireNoSharedKeys(options, 'tell it in the answer of the function "issuer"')
  const perRequest = booleanOr('tenants.perRequest', tenants.perRequest, ask.length > 1)
  const defaults = defaultsIn(options)
  requireUsable(defaults)
  const milliseconds = (name: 'cacheMaxAge' | 'negativeCacheMaxAge', fallback: number) =>
    numberIn(`tenants.${name}`, tenants[name] ?? fallback, {
      minimum: 0,
      maximum: 86_400_000,
      unit: 'milliseconds',
    })
  return Object.freeze({
    from: 'application' as const,
    // What isn't given can't be depended on.
    ask: perRequest ? ask : (iss: string) => ask(iss, undefined),
    dependsOnContext: perRequest,
    resolve: (iss: string, answer: unknown) => resolveAnswer(defaults, iss, answer),
    maxEntries: numberIn('tenants.maxEntries', tenants.maxEntries ?? 1_000, {
      minimum: 1,
      maximum: 100_000,
      unit: 'tenants',
    }),
    cacheMaxAge: milliseconds('cacheMaxAge', 300_000),
    negativeCacheMaxAge: milliseconds('negativeCacheMaxAge', 60_000),
  })
}

/** A mistake in what holds for every tenant is found now, and not by the first token. */
function requireUsable(defaults: Partial<IssuerOptions>): void {
  const algorithms = ownMember(defaults, 'algorithms')
  const isForSecrets = Array.isArray(algorithms) && algorithms.some(isSymmetric)
  resolveIssuer({
    audience: 'any',
    ...defaults,
    ...(isForSecrets && { secret: new Uint8Array(64) }),
    issuer: 'https://tenant.example',
  })
}

function resolveAnswer(defaults: object, iss: string, answer: unknown): ResolvedIssuer {
  const said = answer === true ? {} : answer
  if (!isPlainObject(said)) {
    throw new TypeError(
      'the function "issuer" must answer with the options of an issuer, true, or undefined',
    )
  }
  const named = ownMember(said, 'issuer')
  if (named !== undefined && named !== iss) {
    throw new TypeError(
      'the function "issuer" answered with another "issuer" than it was asked about: leave it out',
    )
  }
  const resolved = resolveIssuer(withDefaults(defaults, { ...said, issuer: iss }))
  if (resolved.introspection?.mode === 'opaque' && !resolved.onlyIntrospected) {
    throw new TypeError(
      'the function "issuer" answered with an "introspection" that is for opaque tokens only, and ' +
        'those name no issuer to ask the function about: choose "mode" always or recheck',
    )
  }
  return resolved
}

function resolveNamed(options: IssuersOptions): readonly ResolvedIssuer[] {
  const named = Array.isArray(options.issuer) ? options.issuer : [options.issuer]
  if (named.length === 0) reject('issuer', 'must name at least one authorization server')
  if (named.length > 1) requireNoSharedKeys(options, 'move it into that object of "issuer"')
  const defaults = defaultsIn(options)
  const issuers = named.map((one: unknown) => resolveIssuer(withDefaults(defaults, one)))
  const names = issuers.map(({ issuer }) => issuer)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) reject('issuer', `names ${twice} twice`)
  requireOneForOpaque(issuers)
  return Object.freeze(issuers)
}

function defaultsIn(options: IssuersOptions): Partial<IssuerOptions> {
  return Object.fromEntries(
    ISSUER_OPTIONS.filter((key) => options[key] !== undefined).map((key) => [key, options[key]]),
  )
}

function withDefaults(defaults: object, issuer: unknown): IssuerOptions {
  if (!isPlainObject(issuer)) return { ...defaults, issuer: issuer as string }
  // What is there but undefined says nothing: it must not lift a restriction of the defaults.
  const unsaid = Object.entries(defaults).filter(([name]) => ownMember(issuer, name) === undefined)
  const own = { ...(issuer as unknown as IssuerOptions), ...Object.fromEntries(unsaid) }
  const [shared, jwks] = [ownMember(defaults as IssuerOptions, 'jwks'), ownMember(issuer, 'jwks')]
  if (!isPlainObject(shared) || !isPlainObject(jwks)) return own
  return { ...own, jwks: { ...shared, ...jwks } }
}

/** An opaque token names no issuer, and is shown to nobody who may not be the one. */
function requireOneForOpaque(issuers: readonly ResolvedIssuer[]): void {
  const takers = issuers.filter(({ introspection }) => introspection?.opaqueTokens === 'any')
  if (takers.length < 2) return
  const names = takers.map(({ issuer }) => issuer).join(' and ')
  reject(
    'introspection.opaqueTokens',
    `must tell the opaque tokens of ${names} apart: give a function to each but one, or false`,
  )
}

/** Keys, and what we are known by there, are of one issuer: another must never see them. */
function requireNoSharedKeys(
  { jwksUri, jwks, secret, introspection }: IssuersOptions,
  mend: string,
): void {
  const keys = isPlainObject(jwks) ? ownMember(jwks, 'keys') : undefined
  const shared = Object.entries({ jwksUri, 'jwks.keys': keys, secret, introspection })
  const [name] = shared.find(([, value]) => value !== undefined) ?? []
  if (name === undefined) return
  reject(name, `belongs to one issuer: ${mend}`)
}
