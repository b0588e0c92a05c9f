/**
 * Resolves the option `profile`: selects the profile of an issuer, and validates a custom profile.
 */

import {
  booleanOr,
  elementsOf,
  functionOrUndefined,
  isPlainObject,
  oneOf,
  ownMember,
  reject,
  rejectName,
  requireKnownKeys,
} from '../base/check.js'
import { httpUrl, isSecureUrl } from '../http/secure-url.js'
import type { ResolvedAudience } from './audience-option.js'
import { hasDotSegment, parsedSpelling } from './identifier-syntax.js'
import { customProfile } from './providers/custom.js'
import type { Profile } from './providers/profile.js'
import type { Provider, ResolvedProfile } from './providers/provider.js'
import {
  PROFILE_NAMES,
  PROVIDERS,
  type ProfileName,
  providerOwning,
} from './providers/providers.js'

const READERS = [
  'scope',
  'clientId',
  'roles',
  'groups',
  'permissions',
  'subjectKind',
  'sessionId',
  'idTokenSubject',
  'actor',
] as const satisfies readonly (keyof Profile)[]

const PROFILE_KEYS = [
  'name',
  'extends',
  'types',
  'allowMissingTyp',
  'requiredClaims',
  'isAccessToken',
  ...READERS,
] as const satisfies readonly (keyof Profile)[]

/**
 * Returns the profile of an issuer.
 *
 * @param issuer the parsed issuer identifier; `undefined` if it is not a URL.
 * @throws {TypeError} that names the option and the fix.
 */
export function resolveProfile(
  profileOption: ProfileName | Profile | undefined,
  issuer: URL | undefined,
  { audience, audienceClaim, replacedBy }: ResolvedAudience,
): ResolvedProfile {
  const owner = issuer && providerOwning(issuer)
  const provider =
    profileOption === undefined ? (owner ?? PROVIDERS.standard) : providerNamed(profileOption)
  const profile = provider?.profile(audience) ?? customProfileOf(profileOption, audience)
  if (issuer !== undefined && owner?.name === profile.name) {
    const error = owner.audienceConfigError?.(issuer, audience)
    if (error !== undefined) reject('audience', error)
  }
  // customProfileOf() has rejected every option that is no object.
  const base = provider ?? providerExtendedBy(profileOption as Profile)
  if (replacedBy !== undefined && base.mayOmitAudience !== true) {
    reject(
      replacedBy,
      `is not available with the profile ${base.name}, which compares the audience claim of its provider: remove it`,
    )
  }
  return audienceClaim === undefined ? profile : { ...profile, audienceClaims: [audienceClaim] }
}

/**
 * Returns the URL of the key set that the provider of an issuer knows without metadata: the
 * provider that `profile` names or extends, or that owns the domain. Returns `undefined` if there
 * is none, or if the URL is plain http on a host where http is not allowed; the issuer identifier
 * is then rejected for the same reason.
 *
 * @throws {TypeError} if the issuer identifier leads to a URL that is not usable.
 */
export function keySetOfProvider(
  { issuer, profile }: { readonly issuer: unknown; readonly profile?: unknown },
  allowHttp: boolean,
): string | undefined {
  if (typeof issuer !== 'string') return undefined
  const url = httpUrl(issuer)
  const named = isPlainObject(profile) ? providerExtendedBy(profile) : providerNamed(profile)
  const candidates = [named, url && providerOwning(url)]
  const jwksUri = candidates
    .map((provider) => provider && ownMember(provider, 'jwksUri')?.(issuer))
    .find((derived) => derived !== undefined)
  if (jwksUri === undefined) return undefined
  if (!isPlainUrl(jwksUri)) {
    reject(
      'issuer',
      'must be an issuer identifier of the provider, because the URL of its key set is derived from it',
    )
  }
  return isSecureUrl(jwksUri, { allowHttp, mayBeLoopback: true }) ? jwksUri : undefined
}

/** Whether a URL has no query, fragment, credentials or dot segments and is spelled as parsed. */
function isPlainUrl(text: string): boolean {
  return (
    isSecureUrl(text, { allowHttp: true, mayBeLoopback: true }) &&
    !/[?#]/.test(text) &&
    parsedSpelling(text) === text &&
    !hasDotSegment(text)
  )
}

function providerNamed(name: unknown): Provider | undefined {
  const builtIn = PROFILE_NAMES.find((known) => known === name)
  return builtIn && PROVIDERS[builtIn]
}

/** Returns the provider whose profile a custom profile extends. */
function providerExtendedBy(profile: Profile | Record<string, unknown>): Provider {
  return providerNamed(ownMember(profile, 'extends')) ?? PROVIDERS.standard
}

function customProfileOf(value: unknown, audience: ReadonlySet<string>): ResolvedProfile {
  if (!isPlainObject(value)) {
    rejectName('profile', value, PROFILE_NAMES, ', or an object that defines a profile', SYNONYMS)
  }
  const profile = requireProfile(value)
  return customProfile(profile, providerExtendedBy(profile).profile(audience))
}

/** Names that users try first, each with the profile of that provider. */
const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ['aad', 'entra'],
  ['azure', 'entra'],
  ['microsoft', 'entra'],
  ['aws', 'cognito'],
  ['amazon', 'cognito'],
])

function requireProfile(value: Record<string, unknown>): Profile {
  const profile = requireKnownKeys('"profile"', value, PROFILE_KEYS) as unknown as Profile
  const { name, extends: base, types, allowMissingTyp, requiredClaims } = profile
  if (typeof name !== 'string' || !/^[\x21-\x7e]{1,64}$/.test(name)) {
    reject('profile.name', 'must be 1 to 64 characters of printable ASCII without space')
  }
  if (base !== undefined) oneOf('profile.extends', base, PROFILE_NAMES)
  if (
    types !== undefined &&
    !(isArrayOfNames(types) && types.length > 0 && types.every(isMediaType))
  ) {
    reject('profile.types', 'must be an array of media types, such as at+jwt')
  }
  booleanOr('profile.allowMissingTyp', allowMissingTyp, false)
  if (requiredClaims !== undefined) claimNames('profile.requiredClaims', requiredClaims)
  for (const reader of ['isAccessToken', ...READERS] as const) {
    functionOrUndefined(`profile.${reader}`, profile[reader])
  }
  return profile
}

/** Returns a copy of the names. @throws {TypeError} unless they are an array of claim names. */
export function claimNames(option: string, value: unknown): readonly string[] {
  return isArrayOfNames(value) ? [...value] : reject(option, 'must be an array of claim names')
}

function isArrayOfNames(value: unknown): value is readonly string[] {
  const isName = (name: unknown) => typeof name === 'string' && name !== ''
  return elementsOf(value)?.every(isName) === true
}

/** Whether `type` is a media type (RFC 6838 §4.2). The part up to the slash is optional. */
function isMediaType(type: string): boolean {
  return /^(?:[a-z0-9][\w!#$&^.+-]*\/)?[a-z0-9][\w!#$&^.+-]*$/i.test(type)
}
