import { setTimeout as sleep } from 'node:timers/promises'
import { type IncomingResponse, post } from '../http/outgoing-request.js'
import type { SignedEvent } from './security-event-tokens.js'

/** Waits before the second and the third attempt, in milliseconds. */
const RETRY_DELAYS_MS = [100, 400]

/** The response of the receiver to the last attempt, or why there was none. */
export type PushResult = Partial<IncomingResponse> & {
  /** Why there was no complete response. */
  readonly error?: Error | undefined
}

/**
 * Pushes the events of a stream to its receiver, one after the other (RFC 8935 §2). An event is sent
 * at most three times: again after a network error, a response of 429, or one of 500 or more.
 */
export class PushDelivery {
  readonly #url: string
  readonly #authorization: string | undefined
  readonly #closing: AbortSignal
  #last: Promise<unknown> = Promise.resolve()

  /** @param closing ends all attempts when the server closes. */
  constructor(url: string, authorization: string | undefined, closing: AbortSignal) {
    this.#url = url
    this.#authorization = authorization
    this.#closing = closing
  }

  /** Sends an event after all earlier events. Never rejects. */
  deliver({ token }: SignedEvent): Promise<PushResult> {
    const delivered = this.#last.then(() => this.#attempt(token))
    this.#last = delivered
    return delivered
  }

  async #attempt(token: string): Promise<PushResult> {
    let result = await this.#send(token)
    for (const delay of RETRY_DELAYS_MS) {
      if (!isTemporary(result) || this.#closing.aborted) return result
      // Rejects when the server closes.
      await sleep(delay, undefined, { ref: false, signal: this.#closing }).catch(() => {})
      result = await this.#send(token)
    }
    return result
  }

  async #send(token: string): Promise<PushResult> {
    const headers = {
      'content-type': 'application/secevent+jwt',
      accept: 'application/json',
      ...(this.#authorization !== undefined && { authorization: this.#authorization }),
    }
    try {
      return await post({ url: this.#url, headers, body: token }, this.#closing)
    } catch (error) {
      return { error: error as Error }
    }
  }
}

function isTemporary({ status }: PushResult): boolean {
  return status === undefined || status === 429 || status >= 500
}
