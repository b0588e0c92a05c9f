/** Creates the part that revokes tokens by logout tokens. */
import { throttledReport } from '../observability/reports.js'
import { EventTokens, type EventTokensOptions } from '../security-events/event-tokens.js'
import { Logouts, type LogoutsOptions } from '../security-events/logouts.js'
import { UsedTokens } from '../security-events/used-tokens.js'
import { memoryStore } from '../stores/memory-store.js'
import type { ResolvedOptions } from './options.js'

/** Minimum time between two log lines about the replay store, in milliseconds. */
const REPORT_INTERVAL_MS = 1_000
/** Maximum number of logout tokens that an instance without `stores.replay` remembers. */
const MAX_REMEMBERED = 100_000

export function assembleLogouts(
  { stores, limits, maxTokenLength, now, monotonicNow, logger }: ResolvedOptions,
  parts: Pick<EventTokensOptions, 'issuers' | 'counters'> & Pick<LogoutsOptions, 'revoke'>,
): Logouts {
  const store = stores.replay ?? memoryStore({ maxEntries: MAX_REMEMBERED, now: monotonicNow })
  return new Logouts({
    ...parts,
    tokens: new EventTokens({ ...parts, maxTokenLength, monotonicNow }),
    used: new UsedTokens({
      store,
      namespace: 'logout',
      onFailure: throttledReport(
        (err) => logger.warn({ err }, 'replay store unavailable; logout token got 503'),
        REPORT_INTERVAL_MS,
        monotonicNow,
      ),
    }),
    clockTolerance: limits.clockTolerance,
    now,
  })
}
