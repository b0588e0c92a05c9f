/**
 * One exchange with an authorization server that may be slow, lying or gone: GET a JSON document,
 * within a deadline that its caller sets for the whole of it, up to a number of bytes, from exactly
 * the URL that was asked for.
 */

import { canParseUrl } from '../base/can-parse-url.js'
import { isError } from '../base/native-error.js'
import { ownMembers } from '../base/plain-object.js'
import { failureCode, failureText } from '../errors/failure-text.js'

/** The part of the platform's `fetch` that is used, so that one of yours can stand in. */
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
  /** RFC 9111 §5.2.2.1 in seconds; `undefined` where the answer doesn't say. */
  readonly maxAge: number | undefined
}

/** The server was there and answered something else than was asked for. */
export class UnexpectedAnswerError extends Error {
  override readonly name = 'UnexpectedAnswerError'
  /** RFC 9110 §10.2.3 in milliseconds; `undefined` where the answer doesn't say. */
  readonly retryAfter: number | undefined
  /** Whether the server asks for no further requests now, to another URL or to this one. */
  readonly asksForRest: boolean

  constructor(message: string, retryAfter?: number, status = 200) {
    super(message)
    this.retryAfter = retryAfter
    this.asksForRest = status === 429 || status === 503
  }
}

/**
 * No complete answer. The message has the URL without its query, and what the platform says of it;
 * the platform's own error is left out, because it may hold the whole URL.
 */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError'
  /** Of the system error behind it, such as `ECONNREFUSED` or `SELF_SIGNED_CERT_IN_CHAIN`. */
  readonly code: string | undefined

  constructor(message: string, code: string | undefined) {
    super(message)
    this.code = code
  }
}

/** What an issuer asked for before it is asked again, in milliseconds. The caller bounds it. */
export function retryAfterOf(error: unknown): number | undefined {
  const asked = isError(error) && 'retryAfter' in error ? error.retryAfter : undefined
  return typeof asked === 'number' ? asked : undefined
}

/** Some key set endpoints offer the second type only and answer 406 otherwise (Kubernetes). */
const ACCEPT = 'application/json, application/jwk-set+json'

/**
 * @throws {UnexpectedAnswerError} if the answer isn't a 200 with JSON within bounds.
 * @throws {NoAnswerError} if there is no complete answer.
 * @throws the signal's reason when it aborts.
 */
export async function fetchJson(url: string, options: FetchJsonOptions): Promise<JsonDocument> {
  const { fetch, signal } = options
  // A fetch that was passed in may not look.
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
    if (error instanceof UnexpectedAnswerError || signal.aborted) throw error
    throw noAnswer(url, error)
  }
}

async function readDocument(
  url: string,
  response: FetchResponse,
  options: FetchJsonOptions,
): Promise<JsonDocument> {
  const place = placeOf(url)
  try {
    if (response.status !== 200) {
      const message = `${place} answered ${status(url, response)}`
      throw new UnexpectedAnswerError(message, retryAfter(response), response.status)
    }
    const text = await readText(place, response, options)
    return { body: parse(place, text), maxAge: maxAgeOf(response.headers) }
  } catch (error) {
    // An unread body would hold its connection open.
    response.body?.cancel().catch(() => {})
    throw error
  }
}

function noAnswer(url: string, error: unknown): NoAnswerError {
  const { search } = new URL(url)
  const reason = failureText(error)
  // A fetch that was passed in may write the URL that it was given into its message.
  const shown = search.length > 1 ? reason.replaceAll(search.slice(1), '…') : reason
  return new NoAnswerError(`${placeOf(url)} gave no answer: ${shown}`, failureCode(error))
}

/** For messages: a query can carry a secret. */
export function placeOf(url: string): string {
  const { origin, pathname } = new URL(url)
  return origin + pathname
}

/**
 * Returns RFC 9110 §10.2.3 in milliseconds; the caller bounds it. A date counts from the response's own
 * `Date`, because the issuer's clock may differ from ours.
 */
export function retryAfter({ headers }: Pick<FetchResponse, 'headers'>): number | undefined {
  const asked = headers?.get('retry-after') ?? ''
  if (/^\d{1,20}$/.test(asked)) return Number(asked) * 1_000
  const wait = timeOf(asked) - timeOf(headers?.get('date') ?? '')
  return Number.isNaN(wait) ? undefined : Math.max(0, wait)
}

/** Reads an IMF-fixdate (RFC 9110 §5.6.7). NaN for anything else, such as what `Date.parse` guesses. */
function timeOf(date: string): number {
  return /^[A-Z][a-z]{2}, [\w :]{20} GMT$/.test(date) ? Date.parse(date) : Number.NaN
}

function status(url: string, { status, type, headers }: FetchResponse): string {
  const redirected = type === 'opaqueredirect' || [301, 302, 303, 307, 308].includes(status)
  if (!redirected) return `${status}`
  const location = headers?.get('location') ?? ''
  const to = canParseUrl(location, url) ? ` to ${placeOf(new URL(location, url).href)}` : ''
  return `${status}, a redirect${location === '' ? '' : to}, which is not followed`
}

/** The body as text, read within bounds. `url` is for the message. */
export async function readText(
  url: string,
  response: FetchResponse,
  { maxBytes, signal }: Omit<FetchJsonOptions, 'fetch'>,
): Promise<string> {
  const { body } = response
  if (body === undefined) return readStub(url, response, maxBytes)
  const reader = body?.getReader()
  if (reader === undefined) return ''
  // A fetch that was passed in may not heed the signal while its body is read.
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
        throw new UnexpectedAnswerError(`${url} answered more than ${maxBytes} bytes`)
      }
      chunks.push(value)
    }
  } finally {
    signal.removeEventListener('abort', cancel)
    reader.releaseLock()
  }
}

/** What tests put in the place of a response often has `json()` or `text()` and no stream. */
async function readStub(url: string, response: FetchResponse, maxBytes: number): Promise<string> {
  const isText = typeof response.text === 'function'
  const text = isText ? await response.text() : JSON.stringify(await response.json())
  if (Buffer.byteLength(text) <= maxBytes) return text
  throw new UnexpectedAnswerError(`${url} answered more than ${maxBytes} bytes`)
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
function maxAgeOf(headers: FetchResponse['headers'] | undefined): number | undefined {
  const directives = headers?.get('cache-control')?.toLowerCase() ?? ''
  if (/(?:^|[\s,])(?:no-store|no-cache)(?:$|[\s,=])/.test(directives)) return 0
  const [, seconds] = /(?:^|[\s,])max-age="?(\d{1,10})/.exec(directives) ?? []
  const [age = 0] = /^\d{1,10}$/.exec(headers?.get('age') ?? '') ?? []
  return seconds === undefined ? undefined : Math.max(0, Number(seconds) - Number(age))
}
