import type { ServerResponse } from 'node:http'

/** An HTTP response that the handler of an endpoint returns, and the listener sends. */
export interface HttpResponse {
  status: number
  headers: Record<string, string>
  /** The body. A Buffer is sent unchanged; every other value is serialized as JSON. */
  body: unknown
}

/** Returns a response that caches must not store, as RFC 6749 §5.1 requires for tokens. */
export function uncached(status: number, body: unknown, headers: Record<string, string> = {}) {
  return {
    status,
    headers: { 'cache-control': 'no-store', pragma: 'no-cache', ...headers },
    body,
  } satisfies HttpResponse
}

export function notFound(): HttpResponse {
  return uncached(404, { error: 'not_found', error_description: 'No such endpoint.' })
}

export function send(response: ServerResponse, httpResponse: HttpResponse): void {
  sendHead(response, httpResponse)
  response.end(bytesOf(httpResponse))
}

export function sendHead(response: ServerResponse, { status, headers }: HttpResponse): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
}

export function bytesOf({ body }: HttpResponse): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body))
}
