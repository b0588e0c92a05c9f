import { isError } from '../../base/native-error.js'
import type { Redact } from '../../http/redaction.js'
import { PasswordGrantError } from './password-grant-error.js'

const MAX_BYTES = 1024 * 1024

/** The signature with which oauth4webapi calls `fetch`. */
export type BoundedFetch = (url: string, init: object) => Promise<Response>

/**
 * Returns a function that calls `fetch` and reads the whole body, so that the deadline of the
 * exchange covers the body, too.
 *
 * The returned function rejects with a {@link PasswordGrantError} after a network error, a
 * redirect, or a body of more than 1 MiB.
 */
export function boundedFetch(fetch: typeof globalThis.fetch, redact: Redact): BoundedFetch {
  return async (url, init) => {
    const shownUrl = redact(withoutQuery(url))
    const response = await wrapNetworkErrors(shownUrl, redact, () => fetch(url, init))
    if (response.status >= 300 && response.status < 400) {
      await response.body?.cancel()
      throw new PasswordGrantError({
        error: 'invalid_response',
        status: response.status,
        summary: `${shownUrl} responded with a redirect (HTTP ${response.status})`,
        hint: 'Redirects are not followed, because the target would receive the credentials: use the final URL, with https and the right host name.',
      })
    }
    const body = await wrapNetworkErrors(shownUrl, redact, () => readBody(response))
    if (body === undefined) {
      throw new PasswordGrantError({
        error: 'invalid_response',
        status: response.status,
        summary: `${shownUrl} responded with more than ${MAX_BYTES} bytes (HTTP ${response.status})`,
        hint: 'Neither metadata nor a token response is that large: check the URL.',
      })
    }
    const headers = new Headers(response.headers)
    // With this header, oauth4webapi would report the challenge and not the body, but the body
    // contains the error code.
    headers.delete('www-authenticate')
    return new Response(body === '' ? null : body, { status: response.status, headers })
  }
}

/** Returns the URL without its query, which may contain credentials. */
export function withoutQuery(url: string | URL): string {
  const { origin, pathname } = new URL(url)
  return origin + pathname
}

async function wrapNetworkErrors<T>(
  shownUrl: string,
  redact: Redact,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw new PasswordGrantError({
      error: 'unreachable',
      summary: `${shownUrl} could not be reached, or closed the connection during its response`,
      hint: 'Check the host name and the port, whether the server is running, its TLS certificate, and any proxy between this machine and the server.',
      cause: copyRedacted(error, redact),
    })
  }
}

/** Returns the body as text; `undefined` if it is longer than `MAX_BYTES`. */
async function readBody(response: Response): Promise<string | undefined> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > MAX_BYTES) return undefined
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

/**
 * Returns a redacted copy of an error and of its causes. Only the name, the message and the code
 * are copied, because a custom fetch may throw errors that contain the whole request.
 */
function copyRedacted(error: unknown, redact: Redact, depth = 0): Error {
  if (!isError(error)) return new Error(redact(String(error)))
  const copy = new Error(redact(`${error.name}: ${error.message}`))
  const code = 'code' in error && typeof error.code === 'string' ? redact(error.code) : undefined
  if (code !== undefined) Object.assign(copy, { code })
  if (error.cause !== undefined && depth < 3) {
    copy.cause = copyRedacted(error.cause, redact, depth + 1)
  }
  return copy
}
