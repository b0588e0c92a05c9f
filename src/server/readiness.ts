/** Decides whether an instance can verify tokens, from states that it keeps in memory. */
import { reject } from '../base/check.js'
import type { Issuer } from '../issuer/issuer.js'
import type { SecurityEventFeedStatus } from '../security-events/feed.js'
import type { StoreStatus } from '../stores/observed-store.js'

/** Whether an instance can verify tokens, for a readiness probe. */
export interface Readiness {
  /** Whether the load balancer should send requests to this instance: `reasons` is empty. */
  readonly ready: boolean
  /** Why the instance is not ready. */
  readonly reasons: readonly ReadinessReason[]
  /** Problems that an operator should know, and that do not make the instance unready. */
  readonly warnings: readonly ReadinessReason[]
}

/** A problem of one issuer, store or feed. */
export interface ReadinessReason {
  /** Which part of the configuration has the problem. */
  readonly part: 'issuer' | 'store' | 'feed'
  /**
   * Identifier of the issuer or transmitter, or the member of the option `stores` that names the
   * store.
   */
  readonly name: string
  /** What the problem is, its effect, and what to do. */
  readonly message: string
  /**
   * The last error, which may name hosts of your network, and contains no secret; `undefined` if
   * there was none. For the log, not for the response of a public probe.
   */
  readonly cause: string | undefined
}

/** Options of `ready()`. */
export interface ReadinessOptions {
  /**
   * Identifiers of the issuers without whose keys the instance is not ready. Default: the instance
   * is ready with the keys of at least one issuer, so that the outage of a partner does not affect
   * the callers of the other issuers.
   */
  requiredIssuers?: readonly string[]
}

/** The state of this instance. */
export interface ReadinessState {
  /** The issuers in the options; empty if `issuer` is a function. */
  readonly issuers: readonly Issuer[]
  readonly stores: readonly StoreStatus[]
  /** Whether every request needs the replay store. */
  readonly needsReplay: boolean
  readonly feeds: readonly SecurityEventFeedStatus[]
}

/** @throws {TypeError} if `requiredIssuers` has an identifier that no issuer in the options has. */
export function readinessOf(
  { issuers, stores, needsReplay, feeds }: ReadinessState,
  { requiredIssuers }: ReadinessOptions,
): Readiness {
  requireKnown(requiredIssuers, issuers)
  const withoutKeys = issuers.filter(({ keys }) => keys.status().state === 'empty')
  const blocks = ({ issuer }: Issuer) =>
    requiredIssuers?.includes(issuer) ?? withoutKeys.length === issuers.length
  const storeReasons = stores.flatMap((store) => reasonsOfStore(store, needsReplay))
  const isBlocking = ({ use, rejects, state }: StoreStatus) =>
    rejects === 'all' || (use === 'replay' && needsReplay && state === 'unused')
  const blockingStores = new Set(stores.filter(isBlocking).map(({ use }) => use as string))
  const reasons = [
    ...withoutKeys.filter(blocks).map(noKeys),
    ...storeReasons.filter(({ name }) => blockingStores.has(name)),
  ]
  const warnings = [
    ...withoutKeys.filter((issuer) => !blocks(issuer)).map(noKeys),
    ...issuers.flatMap(warningsOfIssuer),
    ...storeReasons.filter(({ name }) => !blockingStores.has(name)),
    ...feeds.flatMap(warningsOfFeed),
  ]
  return { ready: reasons.length === 0, reasons, warnings }
}

function requireKnown(required: readonly string[] | undefined, issuers: readonly Issuer[]): void {
  const unknown = required?.find((name) => !issuers.some(({ issuer }) => issuer === name))
  if (unknown === undefined) return
  reject('requiredIssuers', `must list issuers of the options, exactly as in "issuer": ${unknown}`)
}

function noKeys({ issuer, keys }: Issuer): ReadinessReason {
  const { lastError: cause } = keys.status()
  return { part: 'issuer', name: issuer, message: cause === undefined ? STARTING : NO_KEYS, cause }
}

const STARTING = 'no keys are cached yet; a fetch was started: probe again'
const NO_KEYS =
  'no keys are cached; tokens of this issuer get 503 unless a fetch succeeds: check the issuer and the connection to it'

function warningsOfIssuer({ issuer, keys, introspection }: Issuer): ReadinessReason[] {
  const { state, lastError, usableForMs } = keys.status()
  const about = { part: 'issuer', name: issuer } as const
  const warnings: ReadinessReason[] = []
  if (lastError !== undefined && state !== 'empty') {
    const seconds = Math.round(usableForMs / 1000)
    const message = `the last fetch of keys failed; cached keys are used for ${seconds} s at most: check the issuer`
    warnings.push({ ...about, message, cause: lastError })
  }
  const outage = introspection?.introspector.outage
  if (outage !== undefined) {
    const message =
      'introspection fails; tokens without a cached response get 503: check the introspection endpoint'
    warnings.push({ ...about, message, cause: outage.message })
  }
  return warnings
}

const REPLAY_UNCHECKED = 'the store was not used yet; a check was started: probe again'
const REPLAY_UNAVAILABLE =
  'the store is unavailable; requests with a DPoP proof get 503: restore the store'
const REPLAY_ACCEPTING =
  'the store is unavailable; DPoP proofs are accepted without a replay check: restore the store'
const LOADING = 'the revocations are not loaded yet; every token gets 503 until then: probe again'
const NOT_LOADED = 'the revocations are not loaded; every token gets 503: restore the store'
const NOT_SHARED =
  'the store is unavailable; known revocations stay in force, new ones are not shared: restore the store'
const NO_SHARED_RESPONSES =
  'the store is unavailable; this instance introspects on its own: restore the store'

function reasonsOfStore(
  { use, state, rejects, lastError }: StoreStatus,
  needsReplay: boolean,
): ReadinessReason[] {
  const reason = (message: string) => [
    { part: 'store' as const, name: use, message, cause: lastError },
  ]
  if (use === 'revocations' && rejects === 'all') {
    return reason(lastError === undefined ? LOADING : NOT_LOADED)
  }
  if (use === 'replay' && needsReplay && state === 'unused') return reason(REPLAY_UNCHECKED)
  if (state !== 'unavailable') return []
  if (use === 'revocations') return reason(NOT_SHARED)
  if (use === 'introspection') return reason(NO_SHARED_RESPONSES)
  return reason(rejects === 'none' ? REPLAY_ACCEPTING : REPLAY_UNAVAILABLE)
}

function warningsOfFeed(feed: SecurityEventFeedStatus): ReadinessReason[] {
  const { issuer, isSilent, lastPollError } = feed
  const about = { part: 'feed', name: issuer } as const
  const warnings: ReadinessReason[] = []
  if (isSilent) {
    const message =
      'no event was accepted for "maxSilence"; sessions that end at the issuer may stay open here: check the stream'
    warnings.push({ ...about, message, cause: feed.lastFailure })
  }
  if (lastPollError !== undefined) {
    const message =
      'the last poll failed; events arrive late: check the transmitter and "poll.authorization"'
    warnings.push({ ...about, message, cause: lastPollError })
  }
  return warnings
}
