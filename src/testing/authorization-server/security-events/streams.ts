import { eventType, VERIFICATION } from './event-names.js'
import { PollDelivery } from './poll-delivery.js'
import { PushDelivery, type PushResult } from './push-delivery.js'
import {
  DEFAULT_EVENT,
  type SecurityEventTokens,
  type SignedEvent,
  type TestSecurityEvent,
} from './security-event-tokens.js'
import { PUSH, requests, type StreamSettings } from './stream.js'

const MAX_STREAMS = 100
/** Events that a paused stream keeps. */
const MAX_HELD = 1_000

export const STATUSES = ['enabled', 'paused', 'disabled'] as const
export type StreamStatus = (typeof STATUSES)[number]

/** A security event token that the server transmitted on a stream. */
export interface SentSecurityEvent extends PushResult {
  /** The ID of the stream. */
  readonly streamId: string
  /** The security event token. */
  readonly token: string
}

export interface Stream {
  readonly settings: StreamSettings
  readonly delivery: PushDelivery | PollDelivery
  readonly held: SignedEvent[]
  status: StreamStatus
  reason: string | undefined
}

/** The streams of all receivers, and the transmission of events (SSF 1.0 §8). */
export class Streams {
  readonly #tokens: SecurityEventTokens
  readonly #closing: AbortSignal
  readonly #streams = new Map<string, Stream>()
  #lastSigned: Promise<unknown> = Promise.resolve()

  constructor(tokens: SecurityEventTokens, closing: AbortSignal) {
    this.#tokens = tokens
    this.#closing = closing
  }

  get isFull(): boolean {
    return this.#streams.size >= MAX_STREAMS
  }

  add(settings: StreamSettings): Stream {
    const { delivery: method } = settings
    const delivery =
      method.method === PUSH
        ? new PushDelivery(method.url, method.authorization, this.#closing)
        : new PollDelivery()
    const stream: Stream = { settings, delivery, held: [], status: 'enabled', reason: undefined }
    this.#streams.set(settings.id, stream)
    return stream
  }

  /** Returns a stream of a client; `undefined` if the client has no such stream. */
  find(id: unknown, clientId: string): Stream | undefined {
    const stream = typeof id === 'string' ? this.#streams.get(id) : undefined
    return stream?.settings.clientId === clientId ? stream : undefined
  }

  of(clientId: string): Stream[] {
    return [...this.#streams.values()].filter(({ settings }) => settings.clientId === clientId)
  }

  remove({ settings, delivery }: Stream): void {
    this.#streams.delete(settings.id)
    if (delivery instanceof PollDelivery) delivery.wake()
  }

  /** Changes the status of a stream. Transmits the events that a paused stream kept. */
  setStatus(stream: Stream, status: StreamStatus, reason: string | undefined): void {
    Object.assign(stream, { status, reason })
    if (status === 'paused') return
    const held = stream.held.splice(0)
    if (status === 'enabled') for (const event of held) void stream.delivery.deliver(event)
  }

  /**
   * Transmits an event on each stream that requests it. Resolves when every receiver of a push
   * stream has responded, or the server gives up.
   */
  transmit(event: TestSecurityEvent): Promise<SentSecurityEvent[]> {
    const type = eventType(event.event ?? DEFAULT_EVENT)
    const streams = [...this.#streams.values()].filter(({ settings }) => requests(settings, type))
    return Promise.all(streams.map((stream) => this.#transmitOn(stream, event)))
  }

  /** Transmits a verification event on one stream (SSF 1.0 §8.1.4.1). */
  verify(stream: Stream, state: string | undefined): Promise<SentSecurityEvent> {
    return this.#transmitOn(stream, {
      event: VERIFICATION,
      payload: { state },
      subject: { format: 'opaque', id: stream.settings.id },
    })
  }

  async #transmitOn(stream: Stream, event: TestSecurityEvent): Promise<SentSecurityEvent> {
    const { settings, delivery, held } = stream
    const signed = await this.#sign(event, settings.clientId)
    const sent = { streamId: settings.id, token: signed.token }
    if (stream.status === 'enabled') return { ...sent, ...(await delivery.deliver(signed)) }
    if (stream.status === 'paused' && held.length < MAX_HELD) held.push(signed)
    return sent
  }

  /** Signs an event after all earlier ones, because streams transmit events in their order. */
  #sign(event: TestSecurityEvent, audience: string): Promise<SignedEvent> {
    const signed = this.#lastSigned.then(() => this.#tokens.sign(event, audience))
    this.#lastSigned = signed.catch(() => {})
    return signed
  }
}
