/**
 * Fetches a JSON document from an authorization server that may be slow, faulty or down. The
 * caller's signal limits the duration of the whole exchange, `maxBytes` limits the size of the
 * body, and redirects are not followed.
 */
import { canParseUrl } from '../base/can-parse-url.js'
import { isError } from '../base/native-error.js'
import { ownMembers } from '../base/plain-object.js'
import { failureCode, failureText } from '../errors/failure-text.js'
import type { Fetch, FetchResponse } from './fetch.js'

export interface FetchJsonOptions {
  readonly fetch: Fetch
  /** Aborts the exchange at any point, also while the body is read. */
  readonly signal: AbortSignal
  /** Maximum size of the body after decompression, in bytes. */
  readonly maxBytes: number
}

export interface JsonDocument {
  readonly body: unknown
  /**
   * Remaining freshness lifetime (RFC 9111 §4.2), in seconds: `max-age` less `Age`, at least 0.
   * `Cache-Control` with `no-store` or `no-cache` gives 0; otherwise, without `max-age`, the
   * lifetime is `undefined`.
   */
  readonly maxAge: number | undefined
}

/** Reports that the server responded, but not with the expected document. */
export class UnexpectedResponseError extends Error {
  override readonly name = 'UnexpectedResponseError'
  /** `Retry-After` (RFC 9110 §10.2.3) in milliseconds; `undefined` if absent or invalid. */
  readonly retryAfter: number | undefined
  /** Whether the status is 429 or 503: no other URL of the server should be requested now. */
  readonly requestsBackOff: boolean

  constructor(message: string, retryAfter?: number, status = 200) {
    super(message)
    this.retryAfter = retryAfter
    this.requestsBackOff = status === 429 || status === 503
  }
}

/**
 * Reports that the server sent no complete response. The message contains the URL without its
 * query, and the reason that `fetch` reports. The error of `fetch` is not the `cause`, because it
 * may contain the whole URL.
 */
export class NoResponseError extends Error {
  override readonly name = 'NoResponseError'
  /**
   * Code of the error of `fetch` or of one of its causes, such as `ECONNREFUSED` or
   * `SELF_SIGNED_CERT_IN_CHAIN`; `undefined` if none of them has a code.
   */
  readonly code: string | undefined

  constructor(message: string, code: string | undefined) {
    super(message)
    this.code = code
  }
}

/**
 * Returns the member `retryAfter` of an error, in milliseconds; `undefined` if it has none. The
 * caller must limit the value.
 */
export function retryAfterOf(error: unknown): number | undefined {
  const value = isError(error) && 'retryAfter' in error ? error.retryAfter : undefined
  return typeof value === 'number' ? value : undefined
}

/** Some key set endpoints (Kubernetes) respond with 406 if the second media type is missing. */
const ACCEPT = 'application/json, application/jwk-set+json'

/**
 * Fetches a JSON document.
 *
 * @throws {UnexpectedResponseError} if the response is not a 200 with JSON of at most `maxBytes`.
 * @throws {NoResponseError} if there is no complete response.
 * @throws the error of `fetch`, usually the signal's reason, if `signal` aborts.
 */
export async function fetchJson(url: string, options: FetchJsonOptions): Promise<JsonDocument> {
  const { fetch, signal } = options
  // Checked here, because a custom fetch may ignore the signal.
  signal.throwIfAborted()
  try {
    const headers = { accept: ACCEPT }
    // The options have no prototype, because fetch also reads inherited members, such as a
    // "dispatcher" that an attacker added to Object.prototype.
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
    // Without this call, an unread body would keep its connection open.
    response.body?.cancel().catch(() => {})
    throw error
  }
}

function noResponse(url: string, error: unknown): NoResponseError {
  const { search } = new URL(url)
  const reason = failureText(error)
  // The message of a custom fetch may contain the URL, and the query may contain a secret.
  const shown = search.length > 1 ? reason.replaceAll(search.slice(1), '…') : reason
  return new NoResponseError(
    `${withoutQuery(url)} sent no complete response: ${shown}`,
    failureCode(error),
  )
}

/** Returns the URL without its query, which may contain a secret, for messages. */
export function withoutQuery(url: string): string {
  const { origin, pathname } = new URL(url)
  return origin + pathname
}

/**
 * Returns `Retry-After` (RFC 9110 §10.2.3) in milliseconds; `undefined` if it is absent or invalid.
 * The caller must limit the value. A date in `Retry-After` is compared with the response's `Date`,
 * because the clock of the issuer may differ from that of this instance.
 */
export function retryAfter({ headers }: Pick<FetchResponse, 'headers'>): number | undefined {
  const value = headers?.get('retry-after') ?? ''
  if (/^\d{1,20}$/.test(value)) return Number(value) * 1_000
  const wait = timeOf(value) - timeOf(headers?.get('date') ?? '')
  return Number.isNaN(wait) ? undefined : Math.max(0, wait)
}

/**
 * Returns the time of an IMF-fixdate (RFC 9110 §5.6.7), in milliseconds since the epoch. Returns
 * NaN for other formats, because `Date.parse` would guess their meaning.
 */
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

/**
 * Returns the body as text; an empty string if the response has no body.
 *
 * @param url appears in the message.
 * @throws {UnexpectedResponseError} if the body is larger than `maxBytes`.
 */
export async function readText(
  url: string,
  response: FetchResponse,
  { maxBytes, signal }: Omit<FetchJsonOptions, 'fetch'>,
): Promise<string> {
  const { body } = response
  if (body === undefined) return readStub(url, response, maxBytes)
  const reader = body?.getReader()
  if (reader === undefined) return ''
  // Cancels the reader explicitly, because the body of a custom fetch may ignore the signal.
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

/** Reads the body of a test double, which often has `json()` or `text()` but no stream. */
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
    // The parser's message is omitted, because it would quote the document.
    throw new UnexpectedResponseError(`${url} did not respond with JSON`)
  }
}

/**
 * Returns {@link JsonDocument.maxAge}. The header `Age` contains the time, in seconds, that the
 * response spent in caches.
 */
function maxAgeOf(headers: FetchResponse['headers'] | undefined): number | undefined {
  const directives = headers?.get('cache-control')?.toLowerCase() ?? ''
  if (/(?:^|[\s,])(?:no-store|no-cache)(?:$|[\s,=])/.test(directives)) return 0
  const [, seconds] = /(?:^|[\s,])max-age="?(\d{1,10})/.exec(directives) ?? []
  const [age = 0] = /^\d{1,10}$/.exec(headers?.get('age') ?? '') ?? []
  return seconds === undefined ? undefined : Math.max(0, Number(seconds) - Number(age))
}
