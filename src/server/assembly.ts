/** Creates the parts of a resource server from its options, and connects them. */
import type { ScopeHierarchy } from '../access-token/scope-hierarchy.js'
import { reject } from '../base/check.js'
import type { Binding } from '../binding/binding.js'
import type { ClientCertificates } from '../binding/certificate/client-certificate.js'
import { Decrypter } from '../decryption/decrypter.js'
import { isSecureUrl } from '../http/secure-url.js'
import { isMetadataUrl } from '../issuer/identifier-syntax.js'
import type { IssuerSource } from '../issuer/issuer.js'
import type { KeySource } from '../keys/key-source.js'
import { SharedKeyRefresh } from '../keys/shared-key-refresh.js'
import { type WarnOnce, warnOnce } from '../observability/reports.js'
import { Counters } from '../observability/statistics.js'
import { Pipeline } from '../pipeline/pipeline.js'
import type { Clock } from '../policy/step-up.js'
import { type Revocation, Revocations } from '../revocation/revocations.js'
import { SharedRevocations } from '../revocation/shared-revocations.js'
import type { StoreStatus } from '../stores/observed-store.js'
import { assembleBinding, assembleCertificates } from './binding-assembly.js'
import { assembleEventReceivers, type EventReceivers } from './event-assembly.js'
import { assembleIssuers, namedIssuers } from './issuer-assembly.js'
import { type ObservedStores, observeStores } from './observed-stores.js'
import { type ResolvedOptions, type ResourceServerOptions, resolveOptions } from './options.js'
import { ResourceMetadata } from './resource-metadata.js'
import { createRevoke } from './revoke.js'

/** The connected parts of a resource server. */
export interface Core extends EventReceivers, Pick<ObservedStores, 'needsReplay' | 'checkReplay'> {
  readonly pipeline: Pipeline
  readonly binding: Binding
  /** The resolved option `dpop.baseUrl`; empty if it is not set. */
  readonly baseUrls: readonly string[]
  /** Source of client certificates; `undefined` if "mtls" is off. */
  readonly certificates: ClientCertificates | undefined
  readonly issuers: IssuerSource
  /**
   * The identifiers of the issuers in the options, each with the URL of its metadata, or
   * `undefined` if its keys are not discovered there. Empty if `issuer` is a function.
   */
  readonly namedIssuers: ReadonlyMap<string, string | undefined>
  /** Decrypts encrypted tokens; `undefined` without the option `decryption`. */
  readonly decrypter: Decrypter | undefined
  /** Protected resource metadata of the API (RFC 9728); `undefined` if it is not configured. */
  readonly resourceMetadata: ResourceMetadata | undefined
  /** The scope tokens that broader ones imply; `undefined` without the option `scopeImplies`. */
  readonly hierarchy: ScopeHierarchy | undefined
  readonly revocations: Revocations
  /** Shares revocations with other instances; `undefined` without `stores.revocations`. */
  readonly sharedRevocations: SharedRevocations | undefined
  /** Shares key refreshes with other instances; `undefined` without `stores.revocations`. */
  readonly keyRefresh: SharedKeyRefresh | undefined
  /** Implements `revoke()`. */
  readonly revoke: (revocation: Revocation) => Promise<void>
  readonly storeStatus: () => readonly StoreStatus[]
  readonly realm: string
  readonly counters: Counters
  readonly clock: Clock
  /** Logs a warning about a configuration that causes rejections. Logs each message only once. */
  readonly warnOnce: WarnOnce
}

/**
 * Creates the parts of a resource server.
 *
 * @throws {TypeError} if an option is invalid; the message names the option and the fix.
 */
export async function assemble(options: ResourceServerOptions): Promise<Core> {
  const checked = resolveOptions(options)
  const observed = observeStores(checked)
  const resolved = { ...checked, stores: observed.stores }
  const { now, limits, realm, hierarchy } = resolved
  const counters = new Counters()
  const issuers = await assembleIssuers(resolved, counters)
  const { revocations, sharedRevocations, keyRefresh } = assembleRevocations(resolved, () => {
    for (const keys of refreshableKeys(core)) keys.renew()
  })
  const binding = assembleBinding(resolved)
  const decrypter = await assembleDecrypter(resolved, counters)
  const clock = { now: () => now() / 1000, clockTolerance: limits.clockTolerance }
  const revoke = createRevoke({ revocations, sharedRevocations, issuers, clock })
  const receivers = await assembleEventReceivers(resolved, { issuers, counters, revoke })
  const core: Core = {
    pipeline: new Pipeline({ ...resolved, issuers, binding, decrypter, revocations, counters }),
    binding,
    baseUrls: resolved.dpop?.baseUrls ?? [],
    certificates: assembleCertificates(resolved),
    resourceMetadata: assembleResourceMetadata(resolved, binding),
    decrypter,
    issuers,
    namedIssuers: namedIssuers(resolved),
    hierarchy,
    revocations,
    sharedRevocations,
    revoke,
    ...receivers,
    storeStatus: () => observed.status(sharedRevocations),
    needsReplay: observed.needsReplay,
    checkReplay: observed.checkReplay,
    realm,
    counters,
    clock,
    warnOnce: warnOnce(resolved.logger),
    keyRefresh,
  }
  await sharedRevocations?.start()
  for (const poller of core.pollers) poller.start()
  return core
}

/** Returns the keys of all issuers, and of transmitters with keys of their own. */
export function refreshableKeys({
  issuers,
  securityEvents,
}: Pick<Core, 'issuers' | 'securityEvents'>): readonly KeySource[] {
  return [...issuers.issuers().map(({ keys }) => keys), ...securityEvents.ownKeys()]
}

/** Loads jose's decryption only if the option is set, because most APIs do not need it. */
async function assembleDecrypter(
  { decryption, logger }: ResolvedOptions,
  counters: Counters,
): Promise<Decrypter | undefined> {
  if (decryption === undefined) return undefined
  const { ThreadedDecryption } = await import('../decryption/threaded-decryption.js')
  const { keys, contentEncryptionAlgorithms } = decryption
  const keyRing = {
    keys: keys.map(({ material, algorithms }) => ({ material, algorithms: [...algorithms] })),
    contentEncryptionAlgorithms: [...contentEncryptionAlgorithms],
  }
  const onFailure = (err: unknown) =>
    logger.warn({ err }, 'no thread for decryption; tokens are decrypted on the event loop')
  return new Decrypter({
    ...decryption,
    decryption: new ThreadedDecryption(keyRing, onFailure),
    counters,
  })
}

/** @param refresh refreshes the keys of this instance in the background. */
function assembleRevocations(
  { revocations: options, stores, limits, now, monotonicNow, logger }: ResolvedOptions,
  refresh: () => void,
) {
  const { maxEntries, untilLoaded } = options
  const alone = { maxEntries, ...limits, now }
  const { revocations: store } = stores
  if (store === undefined) return { revocations: new Revocations(alone) }
  const revocations = new Revocations({
    ...alone,
    requireLoaded: () => sharedRevocations.requireLoaded(),
  })
  const keyRefresh = new SharedKeyRefresh({
    store,
    refresh: (isFirst) => {
      if (!isFirst) logger.info({}, 'key refresh requested by another instance; fetching keys')
      refresh()
    },
    onWritten: () => sharedRevocations.notify(),
    monotonicNow,
  })
  const sharedRevocations: SharedRevocations = new SharedRevocations({
    store,
    revocations,
    untilLoaded,
    now,
    monotonicNow,
    readMore: () => keyRefresh.sync(),
    onFailure: (err) =>
      logger.warn(
        { err },
        sharedRevocations.rejectsAll
          ? 'revocation store unavailable and no revocations are loaded; every token gets 503'
          : 'revocation store unavailable; known revocations stay in force',
      ),
    onRecovery: (failedForMs) =>
      logger.info(
        { failedForMilliseconds: Math.round(failedForMs) },
        'revocation store recovered; revocations are shared again',
      ),
    onLost: (revocations) =>
      logger.error(
        { revocations },
        'revocations not shared before shutdown; no other instance enforces them',
      ),
  })
  return { revocations, sharedRevocations, keyRefresh }
}

function assembleResourceMetadata(
  resolved: ResolvedOptions,
  { requirement }: Binding,
): ResourceMetadata | undefined {
  const { resourceMetadata, dpop } = resolved
  if (resourceMetadata === undefined) return undefined
  const authorizationServers =
    resourceMetadata.authorizationServers ?? discoverableIssuers(resolved)
  if (authorizationServers.length === 0) resolved.logger.warn({}, NO_AUTHORIZATION_SERVERS)
  return new ResourceMetadata({
    ...resourceMetadata,
    authorizationServers,
    dpop: dpop && { algs: [...dpop.algorithms], isRequired: dpop.mode === 'required' },
    acceptsCertificates: requirement.mtls !== 'off',
  })
}

const NO_AUTHORIZATION_SERVERS =
  'resource metadata lists no authorization server; clients cannot find where to get a token'

/**
 * Returns the issuers in the options whose metadata clients can discover: those whose identifier is
 * a URL of the form that RFC 8414 §2 requires (RFC 9728 §2). If `issuer` is a function, returns an
 * empty array, because a list of the issuers would disclose the customers of the API.
 *
 * @throws {TypeError} if no issuer in the options is such a URL.
 */
function discoverableIssuers({ issuers }: ResolvedOptions): readonly string[] {
  if (issuers.from === 'application') return []
  const names = issuers.issuers
    .filter(
      ({ issuer, allowHttp }) =>
        isMetadataUrl(issuer) && isSecureUrl(issuer, { allowHttp, mayBeLoopback: true }),
    )
    .map(({ issuer }) => issuer)
  if (names.length > 0) return names
  return reject(
    'resourceMetadata.authorizationServers',
    'must list the https URLs at which clients find the metadata of your authorization servers: ' +
      'no "issuer" is such a URL',
  )
}
