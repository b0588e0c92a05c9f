/** Implements `revoke()`. */
import { checkRevocation, type TrustedIssuers } from '../revocation/check-revocation.js'
import type { Revocation, Revocations } from '../revocation/revocations.js'
import type { SharedRevocations } from '../revocation/shared-revocations.js'

export interface RevokeOptions {
  readonly revocations: Revocations
  /** `undefined` without `stores.revocations`. */
  readonly sharedRevocations: SharedRevocations | undefined
  readonly issuers: TrustedIssuers
  /** Returns seconds since the epoch. */
  readonly clock: { now(): number }
}

/** Returns the function behind {@link ResourceServer.revoke}, which describes it. */
export function createRevoke({
  revocations,
  sharedRevocations,
  issuers,
  clock,
}: RevokeOptions): (revocation: Revocation) => Promise<void> {
  return (revocation) => {
    const checked = checkRevocation(revocation, Math.floor(clock.now()), issuers)
    const inForce = revocations.add(checked)
    const sharing = sharedRevocations?.share(inForce) ?? Promise.resolve()
    // The failure was logged. An unhandled rejection would end the process.
    sharing.catch(() => {})
    return sharing
  }
}
