import type { ServerResponse } from 'node:http'

/** An answer before it is written: handlers return one, and one place sends it. */
export interface Answer {
  status: number
  headers: Record<string, string>
  /** Sent as JSON; a Buffer as it is. */
  body: unknown
}

/** An answer that no cache may keep, as everything about tokens is (RFC 6749 §5.1). */
export function uncached(status: number, body: unknown, headers: Record<string, string> = {}) {
  return {
    status,
    headers: { 'cache-control': 'no-store', pragma: 'no-cache', ...headers },
    body,
  } satisfies Answer
}

export function notFound(): Answer {
  return uncached(404, { error: 'not_found', error_description: 'There is nothing here.' })
}

export function send(response: ServerResponse, answer: Answer): void {
  sendHead(response, answer)
  response.end(bytesOf(answer))
}

export function sendHead(response: ServerResponse, { status, headers }: Answer): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
}

export function bytesOf({ body }: Answer): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body))
}
