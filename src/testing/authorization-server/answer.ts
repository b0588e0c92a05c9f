import type { ServerResponse } from 'node:http'

/** An answer before it is written: handlers return one, and one place sends it. */
export interface Answer {
  status: number
  headers: Record<string, string>
  /** Sent as JSON. */
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

export function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}
