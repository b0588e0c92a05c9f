/**
 * Fetches a JSON document from an authorization server that may be slow, faulty or down. The caller's
 * signal bounds the whole exchange, `maxBytes` bounds the body, and redirects are not followed.
 */

import { canParseUrl } from '../base/can-parse-url.js'
import { isError } from '../base/native-error.js'
import { ownMembers } from '../base/plain-object.js'
import { failureCode, failureText } from '../errors/failure-text.js'

/** The part of the platform's `fetch` that is used, so that it can be replaced. */
export type Fetch = (
  url: string,
  init: {
    method: 'GET'
    headers: Record<string, string>
    redirect: 'manual'
    signal: AbortSignal
  },
) => Promise<FetchResponse>

/**
 * The part of a response that is used. A structural type, because the `Response` of undici and those of
 * the versions of @types/node are not assignable to each other.
 */
export interface FetchResponse {
  /** The status code. */
  readonly status: number
  /** `opaqueredirect` for a redirect that was not followed. */
  readonly type: string
  /** The headers, by names in any case. */
  readonly headers: FetchHeaders
  /** The bytes, not yet read. */
  readonly body: FetchBody | null
  /** Reads the body as text, where `body` is missing. */
  text(): Promise<string>
  /** Reads the body as JSON, where `text` is missing. */
  json(): Promise<unknown>
}

/** The part of `Headers` that is used. */
export interface FetchHeaders {
  /** Returns the value of a header; `null` if there is none. */
  get(name: string): string | null
}

/** The part of a `ReadableStream` of bytes that is used. */
export interface FetchBody {
  /** Locks the stream to a reader. */
  getReader(): FetchBodyReader
  /** Drops what was not read. */
  cancel(): Promise<void>
}

/** The part of a `ReadableStreamDefaultReader` that is used. */
export interface FetchBodyReader {
  /** Resolves with the next chunk. */
  read(): Promise<FetchChunk>
  /** Drops what was not read. */
  cancel(reason?: unknown): Promise<void>
  /** Unlocks the stream. */
  releaseLock(): void
}

/** A chunk of a body. */
export interface FetchChunk {
  /** Whether the body has ended. */
  readonly done: boolean
  /** A `Uint8Array`; absent at the end. */
  readonly value?: unknown
}

export interface FetchJsonOptions {
  readonly fetch: Fetch
  /** Aborts at any point, the reading of the body included. */
  readonly signal: AbortSignal
  /** The body, after decompression. */
  readonly maxBytes: number
}

export interface JsonDocument {
  readonly body: unknown
  /** Remaining freshness (RFC 9111 §5.2.2.1) in seconds; `undefined` without `max-age`. */
  readonly maxAge: number | undefined
}

/** The server sent a response, but not the expected one. */
export class UnexpectedResponseError extends Error {
  override readonly name = 'UnexpectedResponseError'
  /** `Retry-After` (RFC 9110 §10.2.3) in milliseconds; `undefined` if absent. */
  readonly retryAfter: number | undefined
  /** Whether the status (429, 503) asks for no further requests now, to any URL of the server. */
  readonly requestsBackOff: boolean

  constructor(message: string, retryAfter?: number, status = 200) {
    super(message)
    this.retryAfter = retryAfter
    this.requestsBackOff = status === 429 || status === 503
  }
}

/**
 * There was no complete response. The message has the URL without its query, and the platform's
 * reason; the platform's error itself is left out, because it may hold the whole URL.
 */
export class NoResponseError extends Error {
  override readonly name = 'NoResponseError'
  /** Code of the system error, such as `ECONNREFUSED` or `SELF_SIGNED_CERT_IN_CHAIN`. */
  readonly code: string | undefined

  constructor(message: string, code: string | undefined) {
    super(message)
    this.code = code
  }
}

/** Returns the `Retry-After` of an error in milliseconds. The caller must bound it. */
export function retryAfterOf(error: unknown): number | undefined {
  const value = isError(error) && 'retryAfter' in error ? error.retryAfter : undefined
  return typeof value === 'number' ? value : undefined
}

/** Some key set endpoints (Kubernetes) offer only the second type, and otherwise respond 406. */
const ACCEPT = 'application/json, application/jwk-set+json'

/**
 * Fetches a JSON document.
 *
 * @throws {UnexpectedResponseError} if the response is not a 200 with JSON of at most `maxBytes`.
 * @throws {NoResponseError} if there is no complete response.
 * @throws the signal's reason when it aborts.
 */
export async function fetchJson(url: string, options: FetchJsonOptions): Promise<JsonDocument> {
  const { fetch, signal } = options
  // A custom fetch may ignore the signal.
  signal.throwIfAborted()
  try {
    const headers = { accept: ACCEPT }
    // Without a prototype, because fetch reads inherited members such as "dispatcher", too.
    const response = await fetch(
      url,
      ownMembers({ method: 'GET', headers, redirect: 'manual', signal }),
    )
    return await readDocument(url, response, options)
  } catch (error) {
    if (error instanceof UnexpectedResponseError || signal.aborted) throw error
    throw noResponse(url, error)
  }
}

async function readDocument(
  url: string,
  response: FetchResponse,
  options: FetchJsonOptions,
): Promise<JsonDocument> {
  const shownUrl = withoutQuery(url)
  try {
    if (response.status !== 200) {
      const message = `${shownUrl} responded with ${status(url, response)}`
      throw new UnexpectedResponseError(message, retryAfter(response), response.status)
    }
    const text = await readText(shownUrl, response, options)
    return { body: parse(shownUrl, text), maxAge: maxAgeOf(response.headers) }
  } catch (error) {
    // An unread body would hold its connection open.
    response.body?.cancel().catch(() => {})
    throw error
  }
}

function noResponse(url: string, error: unknown): NoResponseError {
  const { search } = new URL(url)
  const reason = failureText(error)
  // A custom fetch may include the URL in its message.
  const shown = search.length > 1 ? reason.replaceAll(search.slice(1), '…') : reason
  return new NoResponseError(
    `${withoutQuery(url)} sent no complete response: ${shown}`,
    failureCode(error),
  )
}

/** Returns the URL for messages, without its query, which may contain a secret. */
export function withoutQuery(url: string): string {
  const { origin, pathname } = new URL(url)
  return origin + pathname
}

/**
 * Returns `Retry-After` (RFC 9110 §10.2.3) in milliseconds; the caller must bound it. A date is
 * relative to the response's `Date`, because the issuer's clock may differ from ours.
 */
export function retryAfter({ headers }: Pick<FetchResponse, 'headers'>): number | undefined {
  const value = headers?.get('retry-after') ?? ''
  if (/^\d{1,20}$/.test(value)) return Number(value) * 1_000
  const wait = timeOf(value) - timeOf(headers?.get('date') ?? '')
  return Number.isNaN(wait) ? undefined : Math.max(0, wait)
}

/** Parses an IMF-fixdate (RFC 9110 §5.6.7); NaN for other formats, which `Date.parse` would guess. */
function timeOf(date: string): number {
  return /^[A-Z][a-z]{2}, [\w :]{20} GMT$/.test(date) ? Date.parse(date) : Number.NaN
}

function status(url: string, { status, type, headers }: FetchResponse): string {
  const redirected = type === 'opaqueredirect' || [301, 302, 303, 307, 308].includes(status)
  if (!redirected) return `${status}`
  const location = headers?.get('location') ?? ''
  const to = canParseUrl(location, url) ? ` to ${withoutQuery(new URL(location, url).href)}` : ''
  return `${status}, a redirect${location === '' ? '' : to}, which is not followed`
}

/** Reads the body as text, up to `maxBytes`. `url` is for the message. */
export async function readText(
  url: string,
  response: FetchResponse,
  { maxBytes, signal }: Omit<FetchJsonOptions, 'fetch'>,
): Promise<string> {
  const { body } = response
  if (body === undefined) return readStub(url, response, maxBytes)
  const reader = body?.getReader()
  if (reader === undefined) return ''
  // The body of a custom fetch may ignore the signal.
  const cancel = () => reader.cancel(signal.reason).catch(() => {})
  signal.addEventListener('abort', cancel)
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for (;;) {
      const { done, value } = (await reader.read()) as { done: boolean; value: Uint8Array }
      signal.throwIfAborted()
      if (done) return new TextDecoder().decode(Buffer.concat(chunks))
      bytes += value.byteLength
      if (bytes > maxBytes) {
        throw new UnexpectedResponseError(`${url} responded with more than ${maxBytes} bytes`)
      }
      chunks.push(value)
    }
  } finally {
    signal.removeEventListener('abort', cancel)
    reader.releaseLock()
  }
}

/** Reads a test double, which often has `json()` or `text()` but no stream. */
async function readStub(url: string, response: FetchResponse, maxBytes: number): Promise<string> {
  const isText = typeof response.text === 'function'
  const text = isText ? await response.text() : JSON.stringify(await response.json())
  if (Buffer.byteLength(text) <= maxBytes) return text
  throw new UnexpectedResponseError(`${url} responded with more than ${maxBytes} bytes`)
}

function parse(url: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's message would quote the text.
    throw new UnexpectedResponseError(`${url} did not respond with JSON`)
  }
}

/** Returns `max-age` less the time spent in caches (`Age`), in seconds (RFC 9111 §4.2). */
function maxAgeOf(headers: FetchResponse['headers'] | undefined): number | undefined {
  const directives = headers?.get('cache-control')?.toLowerCase() ?? ''
  if (/(?:^|[\s,])(?:no-store|no-cache)(?:$|[\s,=])/.test(directives)) return 0
  const [, seconds] = /(?:^|[\s,])max-age="?(\d{1,10})/.exec(directives) ?? []
  const [age = 0] = /^\d{1,10}$/.exec(headers?.get('age') ?? '') ?? []
  return seconds === undefined ? undefined : Math.max(0, Number(seconds) - Number(age))
}
