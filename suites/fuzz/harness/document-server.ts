/** Runs one HTTP server for all cases; each case sets the responses of its paths. */
import type { OutgoingHttpHeaders } from 'node:http'
import { startKeyServer } from '../../../test/fixtures/key-server.js'
import { bodyOf, type SentResponse } from '../arbitraries/documents.js'

export async function startDocumentServer() {
  const server = await startKeyServer()
  return {
    ...server,
    /** Sets the response of a path until the next call. */
    serve(path: string, document: string, sent: SentResponse): void {
      const { status, headers } = sent
      const body = bodyOf(document, sent)
      server.respond(path, (response) =>
        response.writeHead(status, headers as OutgoingHttpHeaders).end(body),
      )
    },
  }
}

/**
 * Returns a `fetch` that reaches only `origin`, and the list of other URLs that callers passed to
 * `fetch`.
 */
export function fetchOnlyFrom(origin: string) {
  const otherUrls: string[] = []
  const fetchHere = (url: string, init: RequestInit): Promise<Response> => {
    if (new URL(url).origin === origin) return fetch(url, init)
    otherUrls.push(url)
    return Promise.reject(new TypeError('fetch failed'))
  }
  return { otherUrls, fetchHere }
}
