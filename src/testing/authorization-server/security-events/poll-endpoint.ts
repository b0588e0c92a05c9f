import { isJsonObject } from '../../../base/json-object.js'
import { type HttpResponse, uncached } from '../http/http-response.js'
import { OAuthError } from '../http/oauth-error.js'
import type { PollDelivery } from './poll-delivery.js'
import type { ReceiverRequest } from './receiver-request.js'
import type { Stream, Streams } from './streams.js'

/** Duration of a long poll without events, in milliseconds. */
const LONG_POLL_MS = 20_000
const DEFAULT_MAX_EVENTS = 100

/** The members of a poll request (RFC 8936 §2.2). */
interface PollRequest {
  readonly maxEvents: number
  readonly returnImmediately: boolean
  /** The events that the receiver acknowledges, or reports as invalid. */
  readonly processed: readonly string[]
}

/**
 * Returns the handler of the poll endpoint of a stream (RFC 8936 §2). Events that were returned but
 * neither acknowledged nor reported as invalid are returned again by the next poll.
 */
export function pollEndpoint(
  streams: Streams,
  { settings }: Stream,
  delivery: PollDelivery,
): (request: ReceiverRequest) => Promise<HttpResponse> {
  return async ({ request: { socket }, clientId, body }) => {
    const stream = streams.find(settings.id, clientId)
    if (stream === undefined) throw new OAuthError('access_denied', 'No such stream.', NOT_FOUND)
    const { maxEvents, returnImmediately, processed } = readPollRequest(body)
    delivery.remove(processed)
    const isReady = () => stream.status === 'enabled' && !delivery.isEmpty
    const waits = !isReady() && !returnImmediately && maxEvents > 0
    if (waits && !socket.destroyed) await delivery.wait(LONG_POLL_MS, socket)
    if (!isReady()) return uncached(200, { sets: {} })
    const { sets, moreAvailable } = delivery.take(maxEvents)
    return uncached(200, { sets, ...(moreAvailable && { moreAvailable }) })
  }
}

const NOT_FOUND = { status: 404 }

function readPollRequest(body: Record<string, unknown>): PollRequest {
  const { maxEvents = DEFAULT_MAX_EVENTS, returnImmediately = false, ack = [], setErrs = {} } = body
  if (!Number.isSafeInteger(maxEvents) || (maxEvents as number) < 0) throw invalid('maxEvents')
  if (typeof returnImmediately !== 'boolean') throw invalid('returnImmediately')
  if (!Array.isArray(ack) || !ack.every((id) => typeof id === 'string')) throw invalid('ack')
  if (!isJsonObject(setErrs)) throw invalid('setErrs')
  return {
    maxEvents: maxEvents as number,
    returnImmediately,
    processed: [...ack, ...Object.keys(setErrs)],
  }
}

function invalid(member: string): OAuthError {
  return new OAuthError('invalid_request', `The member ${member} is invalid.`)
}
