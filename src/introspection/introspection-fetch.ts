import type { FetchResponse } from '../http/fetch-json.js'

/** The part of the platform's `fetch` that introspection uses, so that one of yours can stand in. */
export type IntrospectionFetch = (
  url: string,
  init: {
    /** GET for metadata, POST for a question. */
    method: 'GET' | 'POST'
    headers: Record<string, string>
    /** Form-encoded. It holds the token: never log it. */
    body?: URLSearchParams
    redirect: 'manual'
    signal: AbortSignal
  },
) => Promise<FetchResponse>
