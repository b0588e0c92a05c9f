/**
 * A `fetch` function for key sets and metadata: the arguments and the result that this
 * package uses.
 */
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
 * The members of a `Response` that this package reads. The type is structural, because the
 * `Response` types of undici and of different versions of @types/node are not assignable to each
 * other.
 */
export interface FetchResponse {
  /** The status code. */
  readonly status: number
  /**
   * Response type. For a redirect that `fetch` did not follow, browsers give `opaqueredirect`, and
   * Node gives `basic` with the 3xx status.
   */
  readonly type: string
  /** The headers; their names are case-insensitive. */
  readonly headers: FetchHeaders
  /** The body as an unread stream; `null` if the response has no body. */
  readonly body: FetchBody | null
  /** Resolves with the body as text. Called only if `body` is `undefined`. */
  text(): Promise<string>
  /** Resolves with the parsed body. Called only if `body` is `undefined` and `text` is missing. */
  json(): Promise<unknown>
}

/** The members of `Headers` that this package calls. */
export interface FetchHeaders {
  /** Returns the value of a header; `null` if it is absent. */
  get(name: string): string | null
}

/** The members of a byte `ReadableStream` that this package calls. */
export interface FetchBody {
  /** Locks the stream and returns its reader. */
  getReader(): FetchBodyReader
  /** Discards the unread part of the body. */
  cancel(): Promise<void>
}

/** The members of a `ReadableStreamDefaultReader` that this package calls. */
export interface FetchBodyReader {
  /** Resolves with the next chunk; at the end of the body, with `done` set. */
  read(): Promise<FetchChunk>
  /** Discards the unread part of the body. */
  cancel(reason?: unknown): Promise<void>
  /** Unlocks the stream. */
  releaseLock(): void
}

/** The result of one read of a body. */
export interface FetchChunk {
  /** Whether the body has ended. */
  readonly done: boolean
  /** The chunk, a `Uint8Array`; `undefined` if the body has ended. */
  readonly value?: unknown
}
