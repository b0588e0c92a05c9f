/** Creates the parts that revoke tokens by logout tokens and security event tokens. */
import { reject } from '../base/check.js'
import { discoverTransmitter } from '../http/transmitter-metadata.js'
import type { IssuerSource } from '../issuer/issuer.js'
import { OutageReports, throttledReport } from '../observability/reports.js'
import type { Counters } from '../observability/statistics.js'
import { EventTokens } from '../security-events/event-tokens.js'
import { Feed, type FeedOptions } from '../security-events/feed.js'
import { Logouts, type LogoutsOptions } from '../security-events/logouts.js'
import { Poller } from '../security-events/poller.js'
import { localMemory, ReceivedEvents } from '../security-events/received-events.js'
import { type ResolvedFeed, within } from '../security-events/resolve-feeds.js'
import { SecurityEvents } from '../security-events/security-events.js'
import { UsedTokens } from '../security-events/used-tokens.js'
import { memoryStore } from '../stores/memory-store.js'
import { assembleKeySet } from './key-assembly.js'
import type { ResolvedOptions } from './options.js'

/** Minimum time between two log lines about the replay store, in milliseconds. */
const REPORT_INTERVAL_MS = 1_000
/** Minimum time between two log lines about polled events that fail, in milliseconds. */
const EVENT_REPORT_INTERVAL_MS = 30_000
const EVENT_FAILED = 'a polled security event could not be processed; it is requested again'
/** Maximum number of tokens of each kind that an instance without `stores.replay` remembers. */
const MAX_REMEMBERED = 100_000

interface ReceiverParts {
  readonly issuers: IssuerSource
  readonly counters: Counters
  readonly revoke: LogoutsOptions['revoke']
}

/** The parts that receive tokens about events. */
export interface EventReceivers {
  readonly logouts: Logouts
  readonly securityEvents: SecurityEvents
  /** Poll transmitters, once started. */
  readonly pollers: readonly Poller[]
}

/** @throws {TypeError} if an option of a feed contradicts the trusted issuers. */
export async function assembleEventReceivers(
  options: ResolvedOptions,
  parts: ReceiverParts,
): Promise<EventReceivers> {
  const { stores, limits, maxTokenLength, now, monotonicNow, logger } = options
  const tokens = new EventTokens({ ...parts, maxTokenLength, monotonicNow })
  const reportAs = (message: string) =>
    throttledReport(
      (err: unknown) => logger.warn({ err }, message),
      REPORT_INTERVAL_MS,
      monotonicNow,
    )
  const used = new UsedTokens({
    store: stores.replay ?? memoryStore({ maxEntries: MAX_REMEMBERED, now: monotonicNow }),
    namespace: 'logout',
    onFailure: reportAs('replay store unavailable; logout token got 503'),
  })
  const received = new ReceivedEvents({
    // If the revocations of this instance are not shared, another must process the token again.
    memory: (stores.revocations && stores.replay) ?? localMemory(MAX_REMEMBERED, monotonicNow),
    onFailure: reportAs('replay store unavailable; security event token got 503'),
  })
  const shared = { ...parts, tokens, clockTolerance: limits.clockTolerance, now }
  const feeds = await assembleFeeds(options, parts.issuers)
  const securityEvents = new SecurityEvents({ ...shared, received, feeds })
  return {
    logouts: new Logouts({ ...shared, used }),
    securityEvents,
    pollers: feeds.flatMap((feed) => assemblePoller(feed, securityEvents, options)),
  }
}

function assemblePoller(
  feed: Feed,
  events: SecurityEvents,
  { logger, monotonicNow }: ResolvedOptions,
): readonly Poller[] {
  const { issuer } = feed
  const { poll } = feed.options
  if (poll === undefined) return []
  const polls = new OutageReports({
    onFailure: (details: object) =>
      logger.warn(details, 'polling for security events failed; events arrive late'),
    onRecovery: (failedForMs) =>
      logger.info(
        { issuer, failedForMilliseconds: Math.round(failedForMs) },
        'polling for security events recovered; events arrive in time again',
      ),
    intervalMs: 0,
    monotonicNow,
  })
  const onFailure = (err: unknown, retryIn: number) => {
    feed.recordPoll(err)
    polls.failed({ err, issuer, retryInMilliseconds: Math.round(retryIn) })
  }
  const reportEvent = throttledReport(
    (details: object) => logger.warn(details, EVENT_FAILED),
    EVENT_REPORT_INTERVAL_MS,
    monotonicNow,
  )
  const onEventFailure = (err: unknown, retryIn: number) => {
    feed.recordPoll(err)
    reportEvent({ err, issuer, retryInMilliseconds: Math.round(retryIn) })
  }
  const onPolled = () => {
    feed.recordPoll()
    polls.succeeded()
  }
  return [new Poller({ ...poll, issuer, events, onPolled, onFailure, onEventFailure })]
}

function assembleFeeds(options: ResolvedOptions, issuers: IssuerSource): Promise<readonly Feed[]> {
  const { now, monotonicNow } = options
  return Promise.all(
    options.feeds.map(async (feed) => {
      const tokenIssuers = within(`securityEvents of ${feed.issuer}`, () =>
        requireTokenIssuers(feed, options, issuers),
      )
      const keys = await assembleKeys(feed, options, issuers)
      return new Feed({ ...feed, ...keys, tokenIssuers, now, monotonicNow })
    }),
  )
}

function requireTokenIssuers(
  { issuer, tokenIssuers }: ResolvedFeed,
  { issuers: { from } }: ResolvedOptions,
  issuers: IssuerSource,
): readonly string[] {
  if (tokenIssuers === undefined) {
    if (from === 'options' && issuers.mayTrust(issuer)) return [issuer]
    return reject(
      'tokenIssuers',
      'must list the trusted issuers whose tokens this transmitter may revoke, because none has its identifier',
    )
  }
  const unknown = tokenIssuers.find((iss) => !issuers.mayTrust(iss))
  if (unknown === undefined) return tokenIssuers
  return reject(
    'tokenIssuers',
    `must list trusted issuers only, exactly as in "issuer": ${unknown}`,
  )
}

/** A transmitter that is a trusted issuer signs events with the keys of its tokens, by default. */
async function assembleKeys(
  feed: ResolvedFeed,
  options: ResolvedOptions,
  issuers: IssuerSource,
): Promise<Pick<FeedOptions, 'signer' | 'hasOwnKeys'>> {
  const { issuer, algorithms, hasOwnKeys } = feed
  const shared = hasOwnKeys ? undefined : issuerWithKeys(issuer, options, issuers)
  if (shared !== undefined) {
    return { signer: { ...shared, algorithms: algorithms ?? shared.algorithms }, hasOwnKeys: false }
  }
  const keys = await assembleKeySet(issuer, feed.keys, options, undefined, discoverTransmitter)
  const signer = {
    algorithms: algorithms ?? feed.defaultAlgorithms,
    keys,
    profile: { checkKey: undefined },
  }
  return { signer, hasOwnKeys: true }
}

/** Returns the trusted issuer with the identifier whose tokens are verified with its keys. */
function issuerWithKeys(name: string, { issuers: given }: ResolvedOptions, issuers: IssuerSource) {
  if (given.from === 'application') return undefined
  const resolved = given.issuers.find(({ issuer }) => issuer === name)
  if (resolved === undefined || resolved.introspectionOnly) return undefined
  return issuers.issuers().find(({ issuer }) => issuer === name)
}
