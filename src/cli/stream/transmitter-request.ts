/**
 * Sends one request to the management API of a transmitter (SSF 1.0 §8.1). The caller's signal limits
 * the duration of the whole exchange; the size of the response is limited, and redirects are not
 * followed.
 */
import { parseJsonObject } from '../../base/json-object.js'
import { ownMember, ownMembers } from '../../base/plain-object.js'
import {
  NoResponseError,
  readText,
  UnexpectedResponseError,
  withoutQuery,
} from '../../http/fetch-json.js'
import { noResponseFrom } from '../../http/no-response.js'
import type { Redact } from '../../http/redaction.js'
import { CommandError, ExitCode } from '../exit-code.js'

export interface TransmitterRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly url: string
  readonly accessToken: string
  /** The JSON document in the body; absent for a request without a body. */
  readonly document?: object
  readonly signal: AbortSignal
  /** Removes the secrets of the request from the text of the transmitter. */
  readonly redact: Redact
  /** How to fix a rejected request, by status. */
  readonly advice: Readonly<Record<number, string>>
}

/** Maximum size of a response, in bytes: a list of a hundred streams with a dozen events each. */
const MAX_BYTES = 524_288

/**
 * Returns the parsed JSON of a response with a status of 200 to 299; `undefined` if the response has
 * no body. Error messages contain no secret.
 *
 * @throws {CommandError} if the transmitter rejects the request.
 * @throws {UnexpectedResponseError} if the response is invalid, too large or a redirect, or has a
 *   status of 429 or of 500 or more.
 * @throws {NoResponseError} if there is no complete response.
 */
export async function requestTransmitter(request: TransmitterRequest): Promise<unknown> {
  const place = withoutQuery(request.url)
  try {
    const response = await send(request)
    try {
      const text = await readText(place, response, { maxBytes: MAX_BYTES, signal: request.signal })
      if (!response.ok) throw rejection(request, response.status, text)
      return text === '' ? undefined : parse(place, text)
    } finally {
      // An unread body would keep its connection open.
      response.body?.cancel().catch(() => {})
    }
  } catch (error) {
    if (error instanceof CommandError || error instanceof UnexpectedResponseError) throw error
    const { reason } = noResponseFrom(error)
    throw new NoResponseError(`${place} sent no complete response: ${reason}`, undefined)
  }
}

function send({ method, url, accessToken, document, signal }: TransmitterRequest) {
  return fetch(
    url,
    // The options have no prototype, because fetch also reads inherited members.
    ownMembers({
      method,
      headers: ownMembers({
        accept: 'application/json',
        authorization: `Bearer ${accessToken}`,
        ...(document !== undefined && { 'content-type': 'application/json' }),
      }),
      body: document === undefined ? null : JSON.stringify(document),
      redirect: 'manual' as const,
      signal,
    }),
  )
}

function parse(place: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new UnexpectedResponseError(`${place} did not respond with JSON`)
  }
}

function rejection({ url, redact, advice }: TransmitterRequest, status: number, text: string) {
  const place = withoutQuery(url)
  if (status < 400) {
    return new UnexpectedResponseError(
      `${place} responded with ${status}, a redirect, which is not followed`,
    )
  }
  const reason = reasonIn(text)
  const message = `${place} responded with ${status}${reason === undefined ? '' : `: ${redact(reason)}`}`
  if (status === 429 || status >= 500) return new UnexpectedResponseError(message)
  const fix = advice[status]
  return new CommandError(ExitCode.rejected, fix === undefined ? message : `${message}\n${fix}`)
}

/**
 * The members in which transmitters state their reason: those of RFC 6749 §5.2 and RFC 8935 §2.3,
 * and that of Okta.
 */
const REASONS = ['error_description', 'description', 'errorSummary', 'error', 'err']

/** Returns the first reason in the body of an error; `undefined` if there is none. */
function reasonIn(text: string): string | undefined {
  const body = parseJsonObject(text) ?? {}
  const reasons = REASONS.map((name) => ownMember(body, name))
  return reasons.find((reason): reason is string => typeof reason === 'string' && reason !== '')
}
