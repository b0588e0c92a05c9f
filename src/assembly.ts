/** The one place where the parts are put together. */
import { isSymmetric } from './algorithms.js'
import { Binding } from './binding/binding.js'
import type { ClientCertificates } from './binding/certificate/client-certificate.js'
import { ConnectionCertificates } from './binding/certificate/connection-certificates.js'
import { ForwardedCertificates } from './binding/certificate/forwarded-certificates.js'
import { DPoP } from './binding/dpop/dpop.js'
import { Nonces } from './binding/dpop/nonces.js'
import { ReplayMemory } from './binding/dpop/replay-memory.js'
import { createIntrospector } from './introspection/create-introspector.js'
import type { IntrospectionFailure } from './introspection/introspection-failure.js'
import { ConfiguredIssuers } from './issuer/configured-issuers.js'
import {
  type Issuer,
  type IssuerSource,
  requireAlgorithm,
  type TokenIntrospection,
} from './issuer/issuer.js'
import { metadataUrls } from './issuer/metadata.js'
import { remoteKeySet } from './issuer/remote-key-set.js'
import { TenantIssuers } from './issuer/tenant-issuers.js'
import { givenKeySet, noKeys, sharedSecret } from './keys/given-keys.js'
import type { KeySource } from './keys/key-source.js'
import { SavedKeys } from './keys/saved-keys.js'
import { hasNotThePartsOfJwt } from './options/introspection-options.js'
import type { ResolvedIssuer } from './options/issuer-options.js'
import {
  type ResolvedOptions,
  type ResourceServerOptions,
  resolveOptions,
} from './options/resource-server-options.js'
import { Pipeline } from './pipeline.js'
import type { Clock } from './policy/clock.js'
import { ResourceMetadata } from './resource-metadata.js'
import { hashedNames } from './revocation/revocation-names.js'
import { Revocations } from './revocation/revocations.js'
import { SharedRevocations } from './revocation/shared-revocations.js'
import { Counters } from './statistics.js'
import { memoryStore } from './stores/memory-store.js'
import { parseCompactJws } from './token/compact-jws.js'
import { KnownHeaders } from './token/known-headers.js'
import { requireSigner } from './token/signer.js'

/** The parts, put together. */
export interface Core {
  readonly pipeline: Pipeline
  readonly binding: Binding
  /** Under which URLs clients see the server, for DPoP proofs. */
  readonly baseUrls: readonly string[]
  /** Where the certificates of clients are; `undefined` where none is looked at. */
  readonly certificates: ClientCertificates | undefined
  readonly issuers: IssuerSource
  /**
   * The issuers that the options name, each with the URL of its metadata if that is where its keys
   * are found. Empty where a function knows the issuers.
   */
  readonly namedIssuers: ReadonlyMap<string, string | undefined>
  /** What the API says of itself, if it does. */
  readonly resourceMetadata: ResourceMetadata | undefined
  readonly revocations: Revocations
  /** Where other instances are told of them. */
  readonly sharedRevocations: SharedRevocations | undefined
  readonly realm: string
  readonly counters: Counters
  readonly clock: Clock
}

/** @throws {TypeError} if an option is wrong; the message names it and the mend. */
export async function assemble(options: ResourceServerOptions): Promise<Core> {
  const resolved = resolveOptions(options)
  const { now, limits, realm } = resolved
  const counters = new Counters()
  const issuers = await assembleIssuers(resolved, counters)
  const { revocations, sharedRevocations } = assembleRevocations(resolved)
  const binding = assembleBinding(resolved)
  await sharedRevocations?.start()
  return {
    pipeline: new Pipeline({ ...resolved, issuers, binding, revocations, counters }),
    binding,
    baseUrls: resolved.dpop?.baseUrls ?? [],
    certificates: assembleCertificates(resolved),
    resourceMetadata: assembleResourceMetadata(resolved, issuers, binding),
    issuers,
    namedIssuers: namedIssuers(resolved),
    revocations,
    sharedRevocations,
    realm,
    counters,
    clock: { now: () => now() / 1000, clockTolerance: limits.clockTolerance },
  }
}

function assembleRevocations({
  revocations: options,
  stores,
  limits,
  now,
  logger,
}: ResolvedOptions) {
  const { maxEntries, untilLoaded } = options
  const alone = { maxEntries, ...limits, now }
  const { revocations: store } = stores
  if (store === undefined) return { revocations: new Revocations(alone) }
  const revocations = new Revocations({
    ...alone,
    names: hashedNames(),
    requireLoaded: () => sharedRevocations.requireLoaded(),
  })
  const sharedRevocations: SharedRevocations = new SharedRevocations({
    store,
    revocations,
    untilLoaded,
    now,
    onFailure: (err) => logger.warn({ err }, 'the store of revocations could not be asked'),
  })
  return { revocations, sharedRevocations }
}

function namedIssuers({ issuers }: ResolvedOptions): ReadonlyMap<string, string | undefined> {
  if (issuers.from === 'application') return new Map()
  return new Map(
    issuers.issuers.map(({ issuer, keys }) => {
      const isDiscovered = keys.from === 'remote' && keys.jwksUri === undefined
      return [issuer, isDiscovered ? metadataUrls(issuer)[0] : undefined]
    }),
  )
}

function assembleResourceMetadata(
  { resourceMetadata, dpop }: ResolvedOptions,
  issuers: IssuerSource,
  { demand }: Binding,
): ResourceMetadata | undefined {
  if (resourceMetadata === undefined) return undefined
  const { authorizationServers } = resourceMetadata
  return new ResourceMetadata({
    ...resourceMetadata,
    authorizationServers: () =>
      authorizationServers ?? issuers.issuers().map(({ issuer }) => issuer),
    dpop: dpop && { algs: [...dpop.algorithms], isRequired: dpop.mode === 'required' },
    takesCertificates: demand.mtls !== 'off',
  })
}

function assembleCertificates({ mtls }: ResolvedOptions): ClientCertificates | undefined {
  if (mtls === undefined) return undefined
  return mtls.from === 'connection'
    ? new ConnectionCertificates()
    : new ForwardedCertificates(mtls.from)
}

function assembleBinding(options: ResolvedOptions): Binding {
  const { dpop, stores, limits, now, logger } = options
  const mtls = options.mtls?.mode ?? 'off'
  if (dpop === undefined) return new Binding({ dpop: 'off', mtls }, undefined)
  const { mode, nonce, replay, ...rules } = dpop
  const store = stores.replay ?? memoryStore({ maxEntries: replay.maxEntries, now })
  // A proof may be made by a clock that is ahead, and be asked about by one that is behind.
  store.expectTtl?.((rules.maxAge + 3 * limits.clockTolerance) * 1_000)
  const replays = new ReplayMemory({
    store,
    whenUnavailable: replay.whenUnavailable,
    onFailure: (err) =>
      logger.warn(
        { err },
        replay.whenUnavailable === 'refuse'
          ? 'the memory of used DPoP proofs could not be asked; its request is answered with 503'
          : 'the memory of used DPoP proofs could not be asked; its proof passed, used before or not',
      ),
    now,
  })
  return new Binding(
    { dpop: mode, mtls },
    new DPoP({
      ...rules,
      clockTolerance: limits.clockTolerance,
      now,
      nonces: nonce && new Nonces({ ...nonce, now }),
      replays,
    }),
  )
}

async function assembleIssuers(
  options: ResolvedOptions,
  counters: Counters,
): Promise<IssuerSource> {
  const { issuers, steadyNow } = options
  if (issuers.from === 'options') {
    const assembling = issuers.issuers.map((issuer) => assembleIssuer(issuer, options, counters))
    return new ConfiguredIssuers(await Promise.all(assembling))
  }
  return new TenantIssuers({
    ...issuers,
    now: steadyNow,
    assemble: async (iss, answer) =>
      assembleIssuer(issuers.resolve(iss, answer), options, counters),
  })
}

async function assembleIssuer(
  resolved: ResolvedIssuer,
  options: ResolvedOptions,
  counters: Counters,
): Promise<Issuer> {
  const { issuer, profile, audience, algorithms } = resolved
  const keys = await assembleKeys(resolved, options)
  return {
    issuer,
    algorithms,
    profile,
    expectations: { audience, ...profile },
    keys,
    introspection: await assembleIntrospection(resolved, keys, options, counters),
  }
}

async function assembleKeys(
  { issuer, algorithms, keys, introspection, onlyIntrospected }: ResolvedIssuer,
  { steadyNow, logger }: ResolvedOptions,
): Promise<KeySource> {
  // Its answers may be signed even where its tokens are nobody's business.
  if (onlyIntrospected && !introspection?.signed) return noKeys(issuer)
  if (keys.from === 'secret') {
    return sharedSecret(issuer, keys.secret, [...algorithms].filter(isSymmetric))
  }
  if (keys.from === 'given') return givenKeySet(issuer, keys.jwks, keys.maxKeys)
  const { store, ...jwks } = keys.jwks
  const saved =
    store === undefined
      ? undefined
      : new SavedKeys({
          store,
          issuer,
          jwksUri: keys.jwksUri,
          maxKeys: jwks.maxKeys,
          timeout: jwks.timeout,
          onFailure: (what, err) =>
            logger.warn(
              { err, issuer },
              `the store of key sets failed to ${what} one; it bridges no restart while the issuer is down`,
            ),
        })
  return remoteKeySet({
    ...jwks,
    issuer,
    jwksUri: keys.jwksUri,
    allowHttp: keys.allowHttp,
    saved,
    now: steadyNow,
    onFailure: (err, retryIn, usableFor) =>
      logger.warn(
        {
          err,
          issuer,
          retryInMilliseconds: Math.round(retryIn),
          keysUsableForMilliseconds: Math.round(usableFor),
        },
        usableFor > 0
          ? 'the key set of an issuer could not be fetched; the keys at hand go on serving'
          : 'the key set of an issuer could not be fetched; there is none, so its tokens are answered with 503',
      ),
  })
}

async function assembleIntrospection(
  { issuer, algorithms, audience, introspection, onlyIntrospected, allowHttp }: ResolvedIssuer,
  keys: KeySource,
  { now, steadyNow, logger }: ResolvedOptions,
  counters: Counters,
): Promise<TokenIntrospection | undefined> {
  if (introspection === undefined) return undefined
  const introspector = await createIntrospector({
    ...introspection,
    issuer,
    audience,
    allowHttp,
    now,
    steadyNow,
    verifySignature: async (jwt) => {
      const jws = parseCompactJws(jwt, MAX_ANSWER_LENGTH, new KnownHeaders())
      const algorithm = requireAlgorithm({ algorithms }, jws.header.alg)
      await requireSigner({ jws, algorithm, source: keys, counters })
      return jws
    },
    onFailure: (err: IntrospectionFailure, retryIn) => {
      const details = { err, issuer, retryInMilliseconds: Math.round(retryIn) }
      const message = 'an issuer could not be asked about a token'
      if (err.level === 'error' && logger.error !== undefined) logger.error(details, message)
      else logger.warn(details, message)
    },
  })
  return {
    mode: introspection.mode,
    isOnlyWay: onlyIntrospected,
    isOpaque: introspection.isOpaque,
    takesTheRest: introspection.isOpaque === hasNotThePartsOfJwt,
    introspect: (token) => introspector.introspect(token),
    watch: (token) => introspector.watch(token),
    close: () => introspector.close(),
  }
}

/** Of a signed answer, in characters: as many as an unsigned one may have bytes. */
const MAX_ANSWER_LENGTH = 65_536
