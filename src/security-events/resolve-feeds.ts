/** Validates the option `securityEvents`. */
import type { Algorithm } from '../base/algorithms.js'
import {
  booleanOr,
  functionOrUndefined,
  isPlainObject,
  members,
  numberIn,
  reject,
  requireKnownKeys,
  strings,
} from '../base/check.js'
import { isSecureUrl } from '../http/secure-url.js'
import { parsedSpelling } from '../issuer/identifier-syntax.js'
import { type ResolvedKeys, resolveAlgorithms, resolveKeys } from '../issuer/keys-option.js'
import type { EventEffect } from './event-types.js'
import type { SecurityEventFeed, SubjectResolver } from './feed-options.js'
import { type ResolvedPoll, resolvePoll } from './poll-options.js'

const FEED_OPTIONS = [
  'issuer',
  'audience',
  'tokenIssuers',
  'revokes',
  'resolveSubject',
  'effects',
  'maxAge',
  'maxSilence',
  'poll',
  'algorithms',
  'jwksUri',
  'jwks',
  'dangerouslyAllowHttp',
] as const satisfies readonly (keyof SecurityEventFeed)[]

/** Validated {@link SecurityEventFeed} with all defaults that do not depend on the issuers. */
export interface ResolvedFeed {
  readonly issuer: string
  readonly audience: ReadonlySet<string>
  /** `undefined` for the trusted issuer with the identifier of the transmitter. */
  readonly tokenIssuers: readonly string[] | undefined
  readonly revokes: 'session' | 'user'
  readonly resolveSubject: SubjectResolver | undefined
  readonly effects: ReadonlyMap<string, EventEffect>
  readonly maxAge: number
  readonly maxSilence: number | undefined
  readonly poll: ResolvedPoll | undefined
  /** `undefined` for those of the trusted issuer, or else `defaultAlgorithms`. */
  readonly algorithms: ReadonlySet<Algorithm> | undefined
  readonly defaultAlgorithms: ReadonlySet<Algorithm>
  readonly keys: Exclude<ResolvedKeys, { from: 'secret' }>
  /** Whether the options name keys, or how to fetch them, so that no other keys are used. */
  readonly hasOwnKeys: boolean
}

/**
 * Validates the option `securityEvents`.
 *
 * @throws {TypeError} if an option is invalid; the message names the feed, the option and the fix.
 */
export function resolveFeeds(given: unknown): readonly ResolvedFeed[] {
  if (given === undefined) return []
  const list: readonly unknown[] = Array.isArray(given) ? Array.from(given) : [given]
  if (list.length === 0) return reject('securityEvents', 'must contain at least one feed')
  const feeds = list.map((feed, at) =>
    within(Array.isArray(given) ? `securityEvents[${at}]` : 'securityEvents', () =>
      resolveFeed(feed),
    ),
  )
  const issuers = feeds.map(({ issuer }) => issuer)
  const duplicate = issuers.find((issuer, at) => issuers.indexOf(issuer) !== at)
  if (duplicate === undefined) return Object.freeze(feeds)
  return reject(
    'securityEvents',
    `must not contain ${duplicate} twice: list its audiences in one feed`,
  )
}

/** Adds the name of the feed to the messages of errors. */
export function within<T>(name: string, resolve: () => T): T {
  try {
    return resolve()
  } catch (error) {
    throw new TypeError(`${name}: ${(error as Error).message}`, { cause: error })
  }
}

/** No provider is asked for its key set: that of its tokens may differ from that of its events. */
const NO_ISSUER = { issuer: undefined }

function resolveFeed(given: unknown): ResolvedFeed {
  if (!isPlainObject(given)) {
    throw new TypeError('must be an object with issuer and audience, or an array of such objects')
  }
  if (Object.hasOwn(given, 'push')) {
    reject('push', 'requires the Fastify plugin: pass the tokens to receive() instead')
  }
  const options = requireKnownKeys('a feed', given as unknown as SecurityEventFeed, FEED_OPTIONS)
  const { algorithms, jwksUri, jwks, tokenIssuers, revokes = 'session', maxSilence } = options
  const allowHttp = booleanOr('dangerouslyAllowHttp', options.dangerouslyAllowHttp, false)
  if (revokes !== 'session' && revokes !== 'user') reject('revokes', "must be 'session' or 'user'")
  const own = {
    ...NO_ISSUER,
    ...(jwksUri !== undefined && { jwksUri }),
    ...(jwks !== undefined && { jwks }),
  }
  return Object.freeze({
    issuer: requireTransmitter(options.issuer, allowHttp),
    audience: new Set(strings('audience', options.audience, 'the audience of the stream')),
    tokenIssuers:
      tokenIssuers === undefined
        ? undefined
        : strings('tokenIssuers', tokenIssuers, 'identifiers of trusted issuers'),
    revokes,
    resolveSubject: functionOrUndefined('resolveSubject', options.resolveSubject),
    effects: resolveEffects(options.effects),
    maxAge: numberIn('maxAge', options.maxAge ?? 604_800, {
      minimum: 60,
      maximum: 2_592_000,
      unit: 'seconds',
    }),
    maxSilence:
      maxSilence === undefined
        ? undefined
        : numberIn('maxSilence', maxSilence, {
            minimum: 1_000,
            maximum: 2_592_000_000,
            unit: 'milliseconds',
          }),
    poll: resolvePoll(options.poll, allowHttp),
    algorithms:
      algorithms === undefined ? undefined : resolveAlgorithms({ ...NO_ISSUER, algorithms }),
    defaultAlgorithms: resolveAlgorithms(NO_ISSUER),
    // Without a secret in the options, the keys are static or remote.
    keys: resolveKeys(own, allowHttp) as ResolvedFeed['keys'],
    hasOwnKeys: jwksUri !== undefined || jwks !== undefined,
  })
}

/** Returns the identifier. @throws {TypeError} if it cannot be that of a transmitter. */
export function requireTransmitter(issuer: unknown, allowHttp: boolean): string {
  const isUsable =
    typeof issuer === 'string' &&
    isSecureUrl(issuer, { allowHttp, mayBeLoopback: true }) &&
    !/[?#]/.test(issuer) &&
    parsedSpelling(issuer) === issuer
  if (isUsable) return issuer
  return reject(
    'issuer',
    'must be the identifier of the transmitter, exactly as in the "iss" of its tokens: an https URL ' +
      '(http on loopback only) without query, fragment or credentials, spelled as URL parsers write it',
  )
}

function resolveEffects(effects: SecurityEventFeed['effects'] = {}): ResolvedFeed['effects'] {
  const rule = "must be an object with names of events and 'revoke' or 'none'"
  if (!isPlainObject(effects)) return reject('effects', rule)
  const entries = Object.entries(members('effects', effects, Object.keys(effects), rule))
  for (const [, effect] of entries) {
    if (effect !== 'revoke' && effect !== 'none') reject('effects', rule)
  }
  return new Map(entries)
}
