/** Lists the types of events that revoke tokens (CAEP 1.0 §3, RISC 1.0 §2), and what each means. */
import { ownMember } from '../base/plain-object.js'

const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/'
const RISC = 'https://schemas.openid.net/secevent/risc/event-type/'
const SSF = 'https://schemas.openid.net/secevent/ssf/event-type/'

/** Whether an event revokes tokens, or is only acknowledged and published. */
export type EventEffect = 'revoke' | 'none'

/**
 * Whether an event concerns the user, or only the sessions and tokens that its subject describes. A
 * member of a complex subject narrows the second kind, such as `device`.
 */
type EventScope = 'user' | 'session'

const REVOKING: ReadonlyMap<string, EventScope> = new Map([
  [`${CAEP}session-revoked`, 'session'],
  [`${CAEP}token-claims-change`, 'session'],
  [`${CAEP}assurance-level-change`, 'session'],
  [`${CAEP}credential-change`, 'user'],
  [`${RISC}account-disabled`, 'user'],
  [`${RISC}account-purged`, 'user'],
  [`${RISC}sessions-revoked`, 'user'],
])

/** The events that revoke tokens by default. */
export const REVOKING_EVENTS: readonly string[] = [...REVOKING.keys()]

/** Events after which the session issues no more tokens. */
const ENDING: ReadonlySet<string> = new Set([
  `${CAEP}session-revoked`,
  `${RISC}sessions-revoked`,
  `${RISC}account-disabled`,
  `${RISC}account-purged`,
])

const ASSURANCE_CHANGE = `${CAEP}assurance-level-change`

/** Events about the stream itself. RISC transmitters have their own type for verification. */
const VERIFICATIONS: ReadonlySet<string> = new Set([`${SSF}verification`, `${RISC}verification`])
const STREAM_UPDATED = `${SSF}stream-updated`

export function isVerification(type: string): boolean {
  return VERIFICATIONS.has(type)
}

export function isStreamUpdate(type: string): boolean {
  return type === STREAM_UPDATED
}

/** Whether the event is about the stream, so that it never revokes tokens. */
export function isAboutStream(type: string): boolean {
  return isVerification(type) || isStreamUpdate(type)
}

/** Whether the sessions that the event concerns have ended. */
export function endsSessions(type: string): boolean {
  return ENDING.has(type)
}

/** Whether the event concerns the user. Other events concern what their subject describes. */
export function concernsUser(type: string): boolean {
  return REVOKING.get(type) === 'user'
}

/**
 * Returns the effect of an event.
 *
 * @param effects the option `effects`, which overrides the defaults.
 */
export function effectOf(
  type: string,
  payload: Readonly<Record<string, unknown>>,
  effects: ReadonlyMap<string, EventEffect>,
): EventEffect {
  const configured = effects.get(type)
  if (configured !== undefined) return configured
  if (!REVOKING.has(type)) return 'none'
  // A user who authenticated more strongly loses nothing. Without a direction, the level may have
  // decreased (CAEP 1.0 §3.4 makes the member optional).
  const isIncrease =
    type === ASSURANCE_CHANGE && ownMember(payload, 'change_direction') === 'increase'
  return isIncrease ? 'none' : 'revoke'
}
