/** Names security events on the command line: by their full name, or by the last part of it. */
import { canParseUrl } from '../../base/can-parse-url.js'
import { nearest } from '../../base/did-you-mean.js'
import { REVOKING_EVENTS } from '../../security-events/event-types.js'
import { UsageError } from '../exit-code.js'

/** Returns the last part of the name of an event, such as `session-revoked`, if it is known. */
export function shortName(event: string): string {
  return REVOKING_EVENTS.includes(event) ? lastPart(event) : event
}

/**
 * Returns the full names of the given events; without any, those of all events that revoke tokens.
 *
 * @throws {UsageError} if a name is neither known nor a URI.
 */
export function fullNames(names: readonly string[]): readonly string[] {
  return names.length === 0 ? REVOKING_EVENTS : [...new Set(names.map(fullName))]
}

function fullName(name: string): string {
  const known = REVOKING_EVENTS.find((event) => lastPart(event) === name)
  if (known !== undefined) return known
  if (canParseUrl(name)) return name
  const meant = nearest(name, SHORT_NAMES)
  throw new UsageError(
    `--event must be ${SHORT_NAMES.join(', ')}, or the URI of another event.${
      meant === undefined ? '' : ` Did you mean ${meant}?`
    }`,
  )
}

function lastPart(event: string): string {
  return event.slice(event.lastIndexOf('/') + 1)
}

export const SHORT_NAMES: readonly string[] = REVOKING_EVENTS.map(lastPart)
