import { randomUUID } from 'node:crypto'
import { isJsonObject } from '../../../base/json-object.js'
import { httpUrl } from '../../../http/secure-url.js'
import { OAuthError } from '../http/oauth-error.js'
import { SUPPORTED_EVENTS } from './event-names.js'

export const PUSH = 'urn:ietf:rfc:8935'
export const POLL = 'urn:ietf:rfc:8936'

/** The delivery method of a stream (SSF 1.0 §6.1). A poll stream has no URL of its own. */
export type DeliveryMethod =
  | { readonly method: typeof PUSH; readonly url: string; readonly authorization?: string }
  | { readonly method: typeof POLL }

/** The settings of a stream, which a receiver requests (SSF 1.0 §8.1.1). */
export interface StreamSettings {
  readonly id: string
  /** The ID of the client that created the stream, which is also the `aud` of its events. */
  readonly clientId: string
  readonly delivery: DeliveryMethod
  /** The requested events; `undefined` for all. */
  readonly requested: readonly string[] | undefined
  readonly description: string | undefined
}

/** Whether a stream requests an event. */
export function requests({ requested }: StreamSettings, type: string): boolean {
  return requested === undefined || requested.includes(type)
}

/**
 * Reads a request to create a stream.
 *
 * @throws {OAuthError} `invalid_request` that names the invalid member.
 */
export function readStreamRequest(body: Record<string, unknown>, clientId: string): StreamSettings {
  const { delivery = { method: POLL }, events_requested: requested, description } = body
  if (requested !== undefined && !isStrings(requested)) throw invalid('events_requested')
  if (description !== undefined && typeof description !== 'string') throw invalid('description')
  return {
    id: randomUUID(),
    clientId,
    delivery: readDelivery(delivery),
    requested,
    description,
  }
}

function readDelivery(delivery: unknown): DeliveryMethod {
  if (!isJsonObject(delivery)) throw invalid('delivery')
  const { method, endpoint_url: url, authorization_header: authorization } = delivery
  if (method === POLL) return { method }
  if (method !== PUSH) throw invalid('delivery.method')
  if (typeof url !== 'string' || httpUrl(url) === undefined) throw invalid('delivery.endpoint_url')
  if (authorization === undefined) return { method, url }
  if (typeof authorization !== 'string' || !/^[\x21-\x7e][\x20-\x7e]*$/.test(authorization)) {
    throw invalid('delivery.authorization_header')
  }
  return { method, url, authorization }
}

/**
 * Returns the configuration of a stream. It omits the authorization header, which is a secret of the
 * receiver.
 */
export function configurationOf(stream: StreamSettings, issuer: string, pollUrl: string): object {
  const { id, clientId, delivery, requested, description } = stream
  return {
    stream_id: id,
    iss: issuer,
    aud: clientId,
    delivery: {
      method: delivery.method,
      endpoint_url: delivery.method === PUSH ? delivery.url : pollUrl,
    },
    events_supported: SUPPORTED_EVENTS,
    events_requested: requested,
    events_delivered: SUPPORTED_EVENTS.filter((type) => requests(stream, type)),
    description,
  }
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((member) => typeof member === 'string')
}

function invalid(member: string): OAuthError {
  return new OAuthError('invalid_request', `The member ${member} is missing or invalid.`)
}
