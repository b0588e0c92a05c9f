/**
 * Validates the options by which tokens for this API are recognized: `audience`,
 * `dangerouslyAudienceFrom` and `dangerouslyNoAudience`.
 */
import {
  isPlainObject,
  reject,
  requireKnownKeys,
  requireSetVariables,
  strings,
} from '../base/check.js'
import type { ExpectedAudience } from '../token/audience.js'

/**
 * The reason why tokens need no audience: the issuer serves this API only, or the claims that every
 * token must have instead. A claim must equal one of its values or, if the claim is an array,
 * contain one.
 *
 * @example
 * ```ts
 * await app.register(resourceServer, {
 *   issuer: 'https://acme.example/auth',
 *   dangerouslyNoAudience: { claims: { org_id: ['org_1', 'org_2'] } },
 * })
 * ```
 */
export type NoAudience =
  | {
      /** All tokens of the issuer are for this API. */
      readonly issuerServesThisApiOnly: true
    }
  | {
      /** Required claims by name, each with its accepted values. */
      readonly claims: Readonly<Record<string, string | readonly string[]>>
    }

export interface AudienceOptions {
  readonly issuer: unknown
  readonly audience?: unknown
  readonly dangerouslyAudienceFrom?: unknown
  readonly dangerouslyNoAudience?: unknown
}

export interface ResolvedAudience extends ExpectedAudience {
  /** The option `dangerouslyAudienceFrom`; `undefined` if it is not set. */
  readonly audienceClaim: string | undefined
  /** Whichever option replaces the comparison of `aud`; `undefined` if none is set. */
  readonly replacedBy: 'dangerouslyAudienceFrom' | 'dangerouslyNoAudience' | undefined
}

/** Claims that state neither the recipient nor the client of a token. */
const OTHER_CLAIMS = ['iss', 'exp', 'nbf', 'iat', 'jti', 'cnf', 'act']

/**
 * Validates the three options.
 *
 * @throws {TypeError} that names the option and the fix.
 */
export function resolveAudience(options: AudienceOptions): ResolvedAudience {
  const { audience, dangerouslyAudienceFrom: claim, dangerouslyNoAudience: rule } = options
  if (rule !== undefined) {
    const others = Object.entries({ audience, dangerouslyAudienceFrom: claim })
    const [other] = others.find(([, value]) => value !== undefined) ?? []
    if (other !== undefined) {
      reject(
        'dangerouslyNoAudience',
        `excludes "${other}": remove one of them (a top-level option is the default of all issuers)`,
      )
    }
    return {
      audience: new Set(),
      claimsInsteadOfAudience: resolveNoAudience(rule),
      audienceClaim: undefined,
      replacedBy: 'dangerouslyNoAudience',
    }
  }
  const values = strings(
    'audience',
    audience,
    `the audience of this API, exactly as in the "aud" of tokens from ${options.issuer}`,
  )
  for (const value of values) requireSetVariables('audience', value)
  return {
    audience: new Set(values),
    claimsInsteadOfAudience: undefined,
    audienceClaim: claim === undefined ? undefined : requireAudienceClaim(claim),
    replacedBy: claim === undefined ? undefined : 'dangerouslyAudienceFrom',
  }
}

function requireAudienceClaim(claim: unknown): string {
  const others = ['aud', 'sub', ...OTHER_CLAIMS]
  if (typeof claim === 'string' && claim !== '' && !others.includes(claim)) return claim
  return reject(
    'dangerouslyAudienceFrom',
    'must be the name of a claim that identifies the client or the API, such as azp or client_id, ' +
      `and none of ${others.join(', ')}`,
  )
}

function resolveNoAudience(rule: unknown): ReadonlyMap<string, ReadonlySet<string>> {
  const shape = 'must be { issuerServesThisApiOnly: true }, or an object with "claims"'
  if (!isPlainObject(rule) || Object.keys(rule).length !== 1) reject('dangerouslyNoAudience', shape)
  const known = ['issuerServesThisApiOnly', 'claims']
  const { issuerServesThisApiOnly, claims } = requireKnownKeys(
    '"dangerouslyNoAudience"',
    rule,
    known,
  )
  if (issuerServesThisApiOnly === true) return new Map()
  if (issuerServesThisApiOnly !== undefined) reject('dangerouslyNoAudience', shape)
  const entries = isPlainObject(claims) ? Object.entries(claims) : []
  if (entries.length === 0) {
    reject('dangerouslyNoAudience.claims', 'must be an object with at least one required claim')
  }
  return new Map(entries.map(([name, values]) => [name, requireValues(name, values)]))
}

function requireValues(name: string, values: unknown): ReadonlySet<string> {
  if (name === '' || ['aud', ...OTHER_CLAIMS].includes(name)) {
    reject(
      'dangerouslyNoAudience.claims',
      `must not contain "${name}", which does not restrict tokens to this API` +
        (name === 'aud' ? ': set "audience" instead' : ''),
    )
  }
  const what = 'the accepted values of the claim'
  return new Set(strings(`dangerouslyNoAudience.claims.${name}`, values, what))
}
