/** The time by which a policy judges. */
export interface Clock {
  /** Seconds since the epoch. */
  readonly now: () => number
  /** How far the issuer's clock and ours may be apart, in seconds. */
  readonly clockTolerance: number
}
