/** One HTTP server for all cases: each says what its paths answer. */
import type { OutgoingHttpHeaders } from 'node:http'
import { startKeyServer } from '../../../test/fixtures/key-server.js'
import { bodyOf, type Sent } from '../arbitraries/documents.js'

export interface DocumentServer extends Awaited<ReturnType<typeof startDocumentServer>> {}

export async function startDocumentServer() {
  const server = await startKeyServer()
  return {
    ...server,
    /** From now on, at this path. */
    serve(path: string, document: string, sent: Sent): void {
      const { status, headers } = sent
      const body = bodyOf(document, sent)
      server.respond(path, (response) =>
        response.writeHead(status, headers as OutgoingHttpHeaders).end(body),
      )
    },
  }
}

/** A fetch that reaches that server alone, and remembers where else it was sent. */
export function onlyTo(origin: string) {
  const strangers: string[] = []
  const fetchHere = (url: string, init: RequestInit): Promise<Response> => {
    if (new URL(url).origin === origin) return fetch(url, init)
    strangers.push(url)
    return Promise.reject(new TypeError('fetch failed'))
  }
  return { strangers, fetchHere }
}
