/** The one place where the parts are put together. */

import type { Binding } from '../binding/binding.js'
import type { ClientCertificates } from '../binding/certificate/client-certificate.js'
import type { IssuerSource } from '../issuer/issuer.js'
import { Counters } from '../observability/statistics.js'
import { type WarnOnce, warnOnce } from '../observability/warn-once.js'
import { Pipeline } from '../pipeline/pipeline.js'
import type { Clock } from '../policy/clock.js'
import type { Revocations } from '../revocation/revocations.js'
import type { SharedRevocations } from '../revocation/shared-revocations.js'
import type { StoreStatus } from '../stores/observed-store.js'
import { assembleBinding, assembleCertificates } from './binding-assembly.js'
import { assembleIssuers, namedIssuers } from './issuer-assembly.js'
import { type ResourceServerOptions, resolveOptions } from './options.js'
import type { ResourceMetadata } from './resource-metadata.js'
import { assembleResourceMetadata } from './resource-metadata-assembly.js'
import { assembleRevocations } from './revocations-assembly.js'
import { observeStores } from './stores-assembly.js'

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
  readonly storeStatus: () => readonly StoreStatus[]
  readonly realm: string
  readonly counters: Counters
  readonly clock: Clock
  /** For a configuration with which no request of a kind can succeed. */
  readonly warnOnce: WarnOnce
}

/** @throws {TypeError} if an option is wrong; the message names it and the mend. */
export async function assemble(options: ResourceServerOptions): Promise<Core> {
  const checked = resolveOptions(options)
  const { stores, status } = observeStores(checked)
  const resolved = { ...checked, stores }
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
    resourceMetadata: assembleResourceMetadata(resolved, binding),
    issuers,
    namedIssuers: namedIssuers(resolved),
    revocations,
    sharedRevocations,
    storeStatus: () => status(sharedRevocations),
    realm,
    counters,
    clock: { now: () => now() / 1000, clockTolerance: limits.clockTolerance },
    warnOnce: warnOnce(resolved.logger),
  }
}
