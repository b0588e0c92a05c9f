const PREFIX = 'https://schemas.openid.net/secevent'

/** The events of CAEP 1.0 and RISC 1.0 that a stream can request, by their short names. */
const EVENTS: Readonly<Record<string, string>> = {
  'session-revoked': `${PREFIX}/caep/event-type/session-revoked`,
  'credential-change': `${PREFIX}/caep/event-type/credential-change`,
  'token-claims-change': `${PREFIX}/caep/event-type/token-claims-change`,
  'assurance-level-change': `${PREFIX}/caep/event-type/assurance-level-change`,
  'account-disabled': `${PREFIX}/risc/event-type/account-disabled`,
  'account-purged': `${PREFIX}/risc/event-type/account-purged`,
  'sessions-revoked': `${PREFIX}/risc/event-type/sessions-revoked`,
}

/** The event that tests whether a stream works (SSF 1.0 §8.1.4). */
export const VERIFICATION = `${PREFIX}/ssf/event-type/verification`

export const SUPPORTED_EVENTS: readonly string[] = Object.values(EVENTS)

/**
 * Returns the identifier of an event.
 *
 * @param name a short name, such as `session-revoked`, or any absolute URI.
 * @throws {TypeError} if the name is neither.
 */
export function eventType(name: unknown): string {
  if (typeof name === 'string') {
    if (Object.hasOwn(EVENTS, name)) return EVENTS[name] as string
    if (/^[a-z][a-z\d+.-]*:/i.test(name)) return name
  }
  throw new TypeError(
    `"event" must be one of ${Object.keys(EVENTS).join(', ')}, or the URI of another event`,
  )
}
