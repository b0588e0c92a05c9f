/** Implements `refreshKeys()`. */
import { StoreUnavailableError } from '../errors/errors.js'
import type { KeySource } from '../keys/key-source.js'
import type { SharedKeyRefresh } from '../keys/shared-key-refresh.js'

/** Options of `refreshKeys()`. */
export interface RefreshKeysOptions {
  /**
   * Whether every instance that shares `stores.revocations` refreshes its keys. Default false: only
   * this instance.
   */
  everywhere?: boolean
}

export interface KeyRefresh {
  readonly keys: readonly KeySource[]
  /** `undefined` without `stores.revocations`. */
  readonly keyRefresh: SharedKeyRefresh | undefined
  readonly everywhere: boolean
}

const NOT_SHARED =
  'The key refresh was not shared, because "stores.revocations" is unavailable: every instance except this one may still trust removed keys. Retry, or call refreshKeys() on each instance'
const KEPT_KEYS = 'this instance could not fetch the keys of an issuer and still uses cached ones'

/** Implements {@link ResourceServer.refreshKeys}, which describes it. */
export async function refreshKeys({ keys, keyRefresh, everywhere }: KeyRefresh): Promise<void> {
  // The announcement starts first, so that it does not depend on the issuer.
  const announcing = everywhere ? announceTo(keyRefresh) : undefined
  const refreshing = keys.map(async (source) => {
    try {
      await source.refresh()
    } catch (error) {
      if (everywhere) source.renew()
      throw error
    }
  })
  const results = await Promise.allSettled([announcing, ...refreshing])
  const [announcement, ...failed] = results.map((result) =>
    result.status === 'rejected' ? result.reason : undefined,
  )
  const failure = failed.find((reason) => reason !== undefined)
  if (announcement instanceof StoreUnavailableError && failure !== undefined) {
    throw new AggregateError([announcement, failure], `${announcement.message}; ${KEPT_KEYS}`)
  }
  if (announcement !== undefined) throw announcement
  if (failure !== undefined) throw failure
}

async function announceTo(keyRefresh: SharedKeyRefresh | undefined): Promise<void> {
  if (keyRefresh === undefined) {
    throw new TypeError(
      'refreshKeys({ everywhere: true }) needs the option "stores.revocations", through which instances hear of it: set it, or call refreshKeys() on each instance',
    )
  }
  try {
    await keyRefresh.announce()
  } catch (error) {
    throw new StoreUnavailableError('the key refresh of every instance', 1, error, NOT_SHARED)
  }
}
