/**
 * What no caller can see, and so no check of the suite: the row, what of it, and the title of the
 * test that shows it.
 */
export interface Unseen {
  readonly id: string
  readonly what: string
  /** As it stands in the test tree. */
  readonly test: string
}

export const unseen: readonly Unseen[] = [
  {
    id: 'B10',
    what: 'no part of a token in a log line',
    test: 'B10: no serializer outputs the verified token',
  },
  {
    id: 'J15',
    what: 'without kid, a limited number of keys is tried',
    test: 'J15: without kid every compatible key is tried, sixteen at most',
  },
  {
    id: 'D1',
    what: 'the well-known URLs are tried in order',
    test: 'D1: looks in three places, in this order',
  },
  {
    id: 'D1',
    what: 'a configured URL takes precedence',
    test: 'D1: reads no metadata where jwksUri is configured',
  },
  { id: 'D3', what: 'https only', test: 'D3: refuses a jwks_uri that is not https' },
  {
    id: 'D3',
    what: 'the deadline covers the whole exchange',
    test: 'D3: ends at any point when the signal aborts',
  },
  {
    id: 'D4',
    what: 'max-age is respected within bounds',
    test: 'D4: keeps a key set as long as Cache-Control says, within bounds',
  },
  {
    id: 'I3',
    what: 'the log has one error line',
    test: 'I3: responds with 503 to a wrong secret of the API, and logs one error without it',
  },
  {
    id: 'I4',
    what: 'tokens are cached under their hash',
    test: 'I4: keys entries by SHA-256 only',
  },
  {
    id: 'I4',
    what: 'cached negative responses are bounded',
    test: 'I4: invalid tokens evict no active response',
  },
  {
    id: 'P5',
    what: 'no replay on another instance',
    test: 'P5: rejects a proof that was used on another instance',
  },
  {
    id: 'R5',
    what: 'subjects that are users and clients are distinguished',
    test: 'R5: never reports a user with the profiles standard and rfc9068',
  },
]
