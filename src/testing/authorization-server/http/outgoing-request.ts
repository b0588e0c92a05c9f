import { withinDeadline } from '../../../http/deadline.js'

/** Time from connecting to the last byte of the response, in milliseconds. */
const TIMEOUT_MS = 5_000
/** Characters of the response body that are kept. */
const MAX_BODY_LENGTH = 4_096

export interface OutgoingRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A response to the server. */
export interface IncomingResponse {
  /** The HTTP status. */
  readonly status: number
  /** The first 4,096 characters of the body. */
  readonly body: string
}

/**
 * Posts a request, within 5 seconds, and returns the response. Does not follow redirects.
 *
 * @param closing ends the request when the server closes.
 * @throws an error if there is no complete response.
 */
export function post(
  { url, headers, body }: OutgoingRequest,
  closing: AbortSignal,
): Promise<IncomingResponse> {
  const request = async (signal: AbortSignal) => {
    const response = await fetch(url, {
      method: 'POST',
      // Without a kept connection, the receiver can close at the end of a test without waiting.
      headers: { ...headers, connection: 'close' },
      body,
      redirect: 'manual',
      signal,
    })
    return { status: response.status, body: await readStart(response) }
  }
  return withinDeadline(request, { timeout: TIMEOUT_MS, closing })
}

/** Reads the start of the body. The end of the loop cancels the rest of the body. */
async function readStart({ body }: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length >= MAX_BODY_LENGTH) break
  }
  return text.slice(0, MAX_BODY_LENGTH)
}
