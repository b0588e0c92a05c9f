/** Generates HTTP responses with a document as body: complete, truncated, edited, or absent. */
import fc from 'fast-check'
import { edited, edits } from './edits.js'
import { anyText } from './text.js'

const piece = fc.oneof(
  fc.constantFrom('"', ':', ',', '{', '}', '[', ']', '\\', ' ', '\ufeff', '\0', '<html>', 'null'),
  anyText(3),
)

/** The response in which a document is sent. */
export interface SentResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Edits of the document's text, mostly none. */
  readonly edits: Parameters<typeof edited>[1]
  /** Bytes appended to the document, which may be invalid UTF-8. */
  readonly tail: Uint8Array
}

const ascii = fc.string({ minLength: 1, maxLength: 20 }).map((text) => text.trim() || 'x')

const CACHE = fc.constantFrom('max-age=0', 'max-age=99999999999', 'no-store', 'max-age=-1')
const TYPE = fc.constantFrom('application/json', 'APPLICATION/JSON;x=y', 'text/html', 'a/jwt')

const header = fc.oneof(
  fc.tuple(fc.constant('cache-control'), fc.oneof(CACHE, ascii)),
  fc.tuple(fc.constant('age'), ascii),
  fc.tuple(fc.constant('retry-after'), fc.oneof(fc.nat().map(String), ascii)),
  fc.tuple(fc.constant('location'), fc.constant('/moved')),
  fc.tuple(fc.constant('content-encoding'), fc.constantFrom('gzip', 'identity', 'x')),
  fc.tuple(fc.constant('content-type'), fc.oneof(TYPE, ascii)),
)

/** @param type content type, unless the case changes it. */
export function sentResponse(type: string): fc.Arbitrary<SentResponse> {
  return fc.record({
    status: fc.oneof(
      { weight: 12, arbitrary: fc.constant(200) },
      { weight: 1, arbitrary: fc.constantFrom(201, 204, 301, 302, 304, 307, 400, 401, 403, 404) },
      { weight: 1, arbitrary: fc.constantFrom(429, 500, 502, 503, 599) },
    ),
    headers: fc
      .oneof(
        { weight: 4, arbitrary: fc.constant([]) },
        { weight: 1, arbitrary: fc.array(header, { maxLength: 3 }) },
      )
      .map((headers) => ({ 'content-type': type, ...Object.fromEntries(headers) })),
    edits: fc.oneof(
      { weight: 6, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: edits(piece, 2) },
    ),
    tail: fc.oneof(
      { weight: 12, arbitrary: fc.constant(new Uint8Array()) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 9 }) },
    ),
  })
}

export function bodyOf(document: string, { edits: changes, tail }: SentResponse): Buffer {
  return Buffer.concat([Buffer.from(edited(document, changes)), tail])
}

/** Whether the response delivers the document unchanged. */
export function isIntact({ status, headers, edits: changes, tail }: SentResponse): boolean {
  const { 'content-encoding': encoding = 'identity' } = headers
  return status === 200 && changes.length === 0 && tail.length === 0 && encoding === 'identity'
}
