/** Creates the verifiers of sender-constrained tokens: DPoP (RFC 9449) and mTLS (RFC 8705). */
import { Binding } from '../binding/binding.js'
import type { ClientCertificates } from '../binding/certificate/client-certificate.js'
import { ConnectionCertificates } from '../binding/certificate/connection-certificates.js'
import { ForwardedCertificates } from '../binding/certificate/forwarded-certificates.js'
import { DPoP } from '../binding/dpop/dpop.js'
import { Nonces } from '../binding/dpop/nonces.js'
import type { ResolvedDPoP } from '../binding/dpop/options.js'
import { PerKeyQuota } from '../binding/dpop/per-key-quota.js'
import { ReplayCache, replayWindow } from '../binding/dpop/replay-cache.js'
import { memoryStore } from '../stores/memory-store.js'
import type { ResolvedOptions } from './options.js'

export function assembleBinding(options: ResolvedOptions): Binding {
  const { dpop, limits, now } = options
  const mtls = options.mtls?.mode ?? 'off'
  if (dpop === undefined) return new Binding({ dpop: 'off', mtls }, undefined)
  const { mode, algorithms, maxProofAge, nonce } = dpop
  return new Binding(
    { dpop: mode, mtls },
    new DPoP({
      algorithms,
      maxProofAge,
      clockTolerance: limits.clockTolerance,
      now,
      nonces: nonce && new Nonces({ ...nonce, now }),
      replays: assembleReplayCache(dpop, options),
    }),
  )
}

function assembleReplayCache(
  { replay, maxProofAge }: ResolvedDPoP,
  { stores, limits, now, monotonicNow, logger }: ResolvedOptions,
): ReplayCache {
  const { maxEntries, maxEntriesPerKey, whenUnavailable } = replay
  const store = stores.replay ?? memoryStore({ maxEntries, now: monotonicNow })
  const ttlMs = replayWindow(maxProofAge, limits.clockTolerance) * 1_000
  store.declareMaxTtl?.(ttlMs)
  return new ReplayCache({
    store,
    ttlMs,
    rememberedSince: store.isProcessLocal
      ? sinceNow(now, monotonicNow)
      : () => Number.NEGATIVE_INFINITY,
    quota: new PerKeyQuota({ maxEntriesPerKey, windowMs: ttlMs, monotonicNow }),
    whenUnavailable,
    onFailure: (err) =>
      logger.warn(
        { err },
        whenUnavailable === 'reject'
          ? 'DPoP replay store unavailable; request rejected with 503'
          : 'DPoP replay store unavailable; proof accepted without a replay check',
      ),
    monotonicNow,
  })
}

/**
 * Returns a function that returns the time at which `sinceNow` was called, in whole seconds since
 * the epoch, like `iat`. The function derives that time from the wall clock at each call, so that
 * setting the wall clock also shifts the returned time.
 */
function sinceNow(now: () => number, monotonicNow: () => number): () => number {
  const startedAt = monotonicNow()
  return () => Math.floor((now() - (monotonicNow() - startedAt)) / 1_000)
}

export function assembleCertificates({ mtls }: ResolvedOptions): ClientCertificates | undefined {
  if (mtls === undefined) return undefined
  return mtls.certificateSource === 'connection'
    ? new ConnectionCertificates()
    : new ForwardedCertificates(mtls.certificateSource)
}
