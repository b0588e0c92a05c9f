/**
 * One exchange with an authorization server that may be slow, lying or gone: GET a JSON document,
 * within a deadline that its caller sets for the whole of it, up to a number of bytes, from exactly
 * the URL that was asked for.
 */

/** The part of the platform's `fetch` that is used, so that one of yours can stand in. */
export type Fetch = (
  url: string,
  init: {
    method: 'GET'
    headers: Record<string, string>
    redirect: 'manual'
    signal: AbortSignal
  },
) => Promise<Response>

export interface FetchJsonOptions {
  readonly fetch: Fetch
  /** Aborts at any point, the reading of the body included. */
  readonly signal: AbortSignal
  /** The body, after decompression. */
  readonly maxBytes: number
}

export interface JsonDocument {
  readonly body: unknown
  /** RFC 9111 §5.2.2.1 in seconds; `undefined` where the answer doesn't say. */
  readonly maxAge: number | undefined
}

/** The server was there and answered something else than was asked for. */
export class UnexpectedAnswerError extends Error {
  override readonly name = 'UnexpectedAnswerError'
  /** RFC 9110 §10.2.3 in milliseconds; `undefined` where the answer doesn't say. */
  readonly retryAfter: number | undefined

  constructor(message: string, retryAfter?: number) {
    super(message)
    this.retryAfter = retryAfter
  }
}

/** Some key set endpoints offer the second type only and answer 406 otherwise (Kubernetes). */
const ACCEPT = 'application/json, application/jwk-set+json'

/**
 * @throws {UnexpectedAnswerError} if the answer isn't a 200 with JSON within bounds.
 * @throws what `fetch` throws when there is no answer, or the signal's reason when it aborts.
 */
export async function fetchJson(url: string, options: FetchJsonOptions): Promise<JsonDocument> {
  // A fetch that was passed in may not look.
  options.signal.throwIfAborted()
  const response = await options.fetch(url, {
    method: 'GET',
    headers: { accept: ACCEPT },
    redirect: 'manual',
    signal: options.signal,
  })
  try {
    if (response.status !== 200) {
      throw new UnexpectedAnswerError(`${url} answered ${status(response)}`, retryAfter(response))
    }
    const text = await readText(url, response, options)
    return { body: parse(url, text), maxAge: maxAgeOf(response.headers) }
  } catch (error) {
    // An unread body would hold its connection open.
    response.body?.cancel().catch(() => {})
    throw error
  }
}

/** RFC 9110 §10.2.3 in milliseconds. In seconds only on the wire: a date would be compared with a clock that isn't ours. */
export function retryAfter({ headers }: Response): number | undefined {
  const [seconds] = /^\d{1,6}$/.exec(headers.get('retry-after') ?? '') ?? []
  return seconds === undefined ? undefined : Number(seconds) * 1_000
}

function status({ status, type }: Response): string {
  const redirected = type === 'opaqueredirect' || [301, 302, 303, 307, 308].includes(status)
  return redirected ? `${status}, a redirect, which is not followed` : `${status}`
}

/** The body as text, read within bounds. `url` is for the message. */
export async function readText(
  url: string,
  { body }: Response,
  { maxBytes, signal }: Omit<FetchJsonOptions, 'fetch'>,
): Promise<string> {
  const reader = body?.getReader()
  if (reader === undefined) return ''
  // A fetch that was passed in may not heed the signal while its body is read.
  const cancel = () => reader.cancel(signal.reason).catch(() => {})
  signal.addEventListener('abort', cancel)
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      signal.throwIfAborted()
      if (done) return new TextDecoder().decode(Buffer.concat(chunks))
      bytes += value.byteLength
      if (bytes > maxBytes) {
        throw new UnexpectedAnswerError(`${url} answered more than ${maxBytes} bytes`)
      }
      chunks.push(value)
    }
  } finally {
    signal.removeEventListener('abort', cancel)
    reader.releaseLock()
  }
}

function parse(url: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's own message quotes the text.
    throw new UnexpectedAnswerError(`${url} did not answer JSON`)
  }
}

/** RFC 9111 §4.2: what is left of it, after the time that it lay in caches on the way. */
function maxAgeOf(headers: Headers): number | undefined {
  const directives = headers.get('cache-control')?.toLowerCase() ?? ''
  if (/(?:^|[\s,])(?:no-store|no-cache)(?:$|[\s,=])/.test(directives)) return 0
  const [, seconds] = /(?:^|[\s,])max-age="?(\d{1,10})/.exec(directives) ?? []
  const [age = 0] = /^\d{1,10}$/.exec(headers.get('age') ?? '') ?? []
  return seconds === undefined ? undefined : Math.max(0, Number(seconds) - Number(age))
}
