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
}

/**
 * @throws {UnexpectedAnswerError} if the answer isn't a 200 with JSON within bounds.
 * @throws what `fetch` throws when there is no answer, or the signal's reason when it aborts.
 */
export async function fetchJson(url: string, options: FetchJsonOptions): Promise<JsonDocument> {
  const response = await options.fetch(url, {
    method: 'GET',
    headers: { accept: 'application/json' },
    redirect: 'manual',
    signal: options.signal,
  })
  try {
    if (response.status !== 200)
      throw new UnexpectedAnswerError(`${url} answered ${status(response)}`)
    const text = await readText(url, response, options)
    return { body: parse(url, text), maxAge: maxAgeOf(response.headers) }
  } catch (error) {
    // An unread body would hold its connection open.
    response.body?.cancel().catch(() => {})
    throw error
  }
}

function status({ status, type }: Response): string {
  const redirected = type === 'opaqueredirect' || (status >= 300 && status < 400)
  return redirected ? `${status}, a redirect, which is not followed` : `${status}`
}

async function readText(
  url: string,
  response: Response,
  { maxBytes, signal }: FetchJsonOptions,
): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  // A fetch that was passed in may not heed the signal while its body is read.
  for await (const chunk of response.body ?? []) {
    signal.throwIfAborted()
    bytes += chunk.byteLength
    if (bytes > maxBytes)
      throw new UnexpectedAnswerError(`${url} answered more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return new TextDecoder().decode(Buffer.concat(chunks))
}

function parse(url: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's own message quotes the text.
    throw new UnexpectedAnswerError(`${url} did not answer JSON`)
  }
}

function maxAgeOf(headers: Headers): number | undefined {
  const directives = headers.get('cache-control')?.toLowerCase() ?? ''
  if (/(?:^|[\s,])(?:no-store|no-cache)(?:$|[\s,=])/.test(directives)) return 0
  const [, seconds] = /(?:^|[\s,])max-age="?(\d{1,10})/.exec(directives) ?? []
  return seconds === undefined ? undefined : Number(seconds)
}
