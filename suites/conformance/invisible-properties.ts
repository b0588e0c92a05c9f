/**
 * Properties that no caller can see, and so no check of the suite can test: the row, the property, and
 * the title of the test for it.
 */
export interface InvisibleProperty {
  readonly id: string
  readonly property: string
  /** Title of the test in `test/`. */
  readonly test: string
}

export const invisibleProperties: readonly InvisibleProperty[] = [
  {
    id: 'B10',
    property: 'no part of a token in a log line',
    test: 'B10: no serializer outputs the verified token',
  },
  {
    id: 'J15',
    property: 'without kid, a limited number of keys is tried',
    test: 'J15: tries every compatible key without kid, at most sixteen',
  },
  {
    id: 'D1',
    property: 'the well-known URLs are tried in order',
    test: 'D1: tries three URLs, in this order',
  },
  {
    id: 'D1',
    property: 'a configured URL takes precedence',
    test: 'D1: reads no metadata where jwksUri is configured',
  },
  { id: 'D3', property: 'https only', test: 'D3: rejects a jwks_uri that is not https' },
  {
    id: 'D3',
    property: 'the deadline covers the whole exchange',
    test: 'D3: ends at any point when the signal aborts',
  },
  {
    id: 'D4',
    property: 'max-age is respected within bounds',
    test: 'D4: keeps a key set for as long as Cache-Control states, within bounds',
  },
  {
    id: 'I3',
    property: 'the log has one error line',
    test: 'I3: responds with 503 to a wrong secret of the API, and logs one error without it',
  },
  {
    id: 'I4',
    property: 'tokens are cached under their hash',
    test: 'I4: keys entries by SHA-256 only',
  },
  {
    id: 'I4',
    property: 'cached negative responses are bounded',
    test: 'I4: invalid tokens evict no active response',
  },
  {
    id: 'P5',
    property: 'no replay on another instance',
    test: 'P5: rejects a proof that was used on another instance',
  },
  {
    id: 'E3',
    property: 'decryptions are bounded',
    test: 'E3: bounds decryptions, and plain tokens do not wait for them',
  },
  {
    id: 'E4',
    property: 'nothing of the content is in a log line, a cache key or an error',
    test: 'E4: the plugin shows nothing of the content',
  },
  {
    id: 'A3',
    property: 'metadata lists ML-DSA only where the runtime verifies it',
    test: 'A3: promises ML-DSA in metadata only where the runtime has it',
  },
  {
    id: 'R5',
    property: 'subjects that are users and clients are distinguished',
    test: 'R5: never reports a user with the profiles standard and rfc9068',
  },
]
