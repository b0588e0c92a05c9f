/**
 * Posts a JSON document and reads the JSON response. The caller's signal limits the duration of the
 * whole exchange, `maxBytes` the size of the response, and redirects are not followed.
 */
import { parseJsonObject } from '../base/json-object.js'
import { ownMembers } from '../base/plain-object.js'
import {
  NoResponseError,
  readText,
  retryAfter,
  UnexpectedResponseError,
  withoutQuery,
} from './fetch-json.js'
import { noResponseFrom } from './no-response.js'

export interface PostJsonOptions {
  /** Value of the request header `Authorization`; `undefined` for none. */
  readonly authorization: string | undefined
  /** Aborts the exchange at any point, also while the body is read. */
  readonly signal: AbortSignal
  /** Maximum size of the response body, in bytes. */
  readonly maxBytes: number
}

/**
 * Returns the JSON object of the response. Error messages contain the URL without its query, and
 * nothing of the request or the response.
 *
 * @throws {UnexpectedResponseError} if the response is not a 200 with a JSON object of at most
 *   `maxBytes`.
 * @throws {NoResponseError} if there is no complete response, also if `signal` aborts.
 */
export async function postJson(
  url: string,
  document: object,
  { authorization, signal, maxBytes }: PostJsonOptions,
): Promise<Readonly<Record<string, unknown>>> {
  const shownUrl = withoutQuery(url)
  try {
    const response = await fetch(
      url,
      // The options have no prototype, because fetch also reads inherited members.
      ownMembers({
        method: 'POST',
        headers: ownMembers({
          accept: 'application/json',
          'content-type': 'application/json',
          ...(authorization !== undefined && { authorization }),
        }),
        body: JSON.stringify(document),
        redirect: 'manual' as const,
        signal,
      }),
    )
    try {
      if (response.status !== 200) {
        const message = `${shownUrl} responded with ${response.status}`
        throw new UnexpectedResponseError(message, retryAfter(response), response.status)
      }
      const body = parseJsonObject(await readText(shownUrl, response, { maxBytes, signal }))
      if (body !== undefined) return body
      throw new UnexpectedResponseError(`${shownUrl} did not respond with a JSON object`)
    } finally {
      // An unread body would keep its connection open.
      response.body?.cancel().catch(() => {})
    }
  } catch (error) {
    if (error instanceof UnexpectedResponseError) throw error
    const { reason } = noResponseFrom(error)
    throw new NoResponseError(`${shownUrl} sent no complete response: ${reason}`, undefined)
  }
}
