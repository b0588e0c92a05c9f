/** The revocations of this instance, and how it shares them. */

import { hashedNames } from '../revocation/revocation-names.js'
import { Revocations } from '../revocation/revocations.js'
import { SharedRevocations } from '../revocation/shared-revocations.js'
import type { ResolvedOptions } from './options.js'

export function assembleRevocations({
  revocations: options,
  stores,
  limits,
  now,
  steadyNow,
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
    steadyNow,
    onFailure: (err) => logger.warn({ err }, 'the store of revocations could not be asked'),
    onLost: (revocations) =>
      logger.error(
        { revocations },
        'revocations could not be written before the end; no other instance enforces them',
      ),
  })
  return { revocations, sharedRevocations }
}
