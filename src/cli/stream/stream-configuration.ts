/** Reads the configuration of a stream from a response of a transmitter (SSF 1.0 §8.1.1). */
import { isJsonObject } from '../../base/json-object.js'
import { ownMember } from '../../base/plain-object.js'
import type { Redact } from '../../http/redaction.js'

/** The delivery methods of a stream (SSF 1.0 §6.1). */
export const PUSH = 'urn:ietf:rfc:8935'
export const POLL = 'urn:ietf:rfc:8936'

/**
 * The configuration of a stream. It has only the members below: others, such as the header with
 * which the transmitter authenticates itself, may be secret.
 */
export interface StreamConfiguration {
  readonly stream_id: string
  readonly iss?: string
  readonly aud?: string | readonly string[]
  readonly delivery?: { readonly method?: string; readonly endpoint_url?: string }
  readonly events_supported?: readonly string[]
  readonly events_requested?: readonly string[]
  readonly events_delivered?: readonly string[]
  readonly min_verification_interval?: number
  readonly inactivity_timeout?: number
  readonly description?: string
}

/** Maximum length of a string, in characters. */
const MAX_LENGTH = 2_000

/**
 * Returns the configuration without the secrets of the request, which a transmitter may repeat;
 * `undefined` if the value has no `stream_id`. Members of another type are omitted.
 */
export function readConfiguration(value: unknown, redact: Redact): StreamConfiguration | undefined {
  if (!isJsonObject(value)) return undefined
  const string = (from: Record<string, unknown>, name: string) => {
    const member = ownMember(from, name)
    return typeof member === 'string' ? redact(member, MAX_LENGTH) : undefined
  }
  const strings = (name: string) => {
    const member = ownMember(value, name)
    if (!Array.isArray(member) || !member.every((one) => typeof one === 'string')) return undefined
    return member.map((one) => redact(one, MAX_LENGTH))
  }
  const number = (name: string) => {
    const member = ownMember(value, name)
    return typeof member === 'number' ? member : undefined
  }
  const id = string(value, 'stream_id')
  if (id === undefined || id === '') return undefined
  const delivery = ownMember(value, 'delivery')
  return definedMembers({
    stream_id: id,
    iss: string(value, 'iss'),
    aud: string(value, 'aud') ?? strings('aud'),
    delivery: isJsonObject(delivery)
      ? definedMembers({
          method: string(delivery, 'method'),
          endpoint_url: string(delivery, 'endpoint_url'),
        })
      : undefined,
    events_supported: strings('events_supported'),
    events_requested: strings('events_requested'),
    events_delivered: strings('events_delivered'),
    min_verification_interval: number('min_verification_interval'),
    inactivity_timeout: number('inactivity_timeout'),
    description: string(value, 'description'),
  })
}

type Defined<T> = { [Name in keyof T]: Exclude<T[Name], undefined> }

function definedMembers<T extends object>(object: T): Defined<T> {
  const defined = Object.entries(object).filter(([, value]) => value !== undefined)
  return Object.fromEntries(defined) as Defined<T>
}
