/** Generates requests, valid and invalid, as bytes to write to a connection. */
import fc from 'fast-check'

/** Placeholder of a valid token, so that a case does not depend on the keys. */
export const VALID_TOKEN = '\u0001valid\u0001'

export interface HeaderLine {
  readonly name: string
  readonly between: string
  /** Latin-1: one byte per character. */
  readonly value: string
  readonly end: string
}

export interface RequestCase {
  readonly method: string
  readonly version: string
  readonly lines: readonly HeaderLine[]
}

const bytes = fc
  .array(fc.nat(255), { maxLength: 12 })
  .map((list) => String.fromCharCode(...list.filter((byte) => byte !== 10 && byte !== 13)))

const visible = fc.string({ maxLength: 12 })

const credentials = fc.oneof(
  { weight: 4, arbitrary: fc.constant(VALID_TOKEN) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '',
      'x.y.z',
      'a.b',
      '=',
      'a=b',
      `${VALID_TOKEN}=`,
      `${VALID_TOKEN}, x`,
    ),
  },
  { weight: 1, arbitrary: bytes },
  { weight: 1, arbitrary: visible },
  { weight: 1, arbitrary: fc.tuple(bytes, bytes).map(([a, b]) => a + VALID_TOKEN + b) },
  { weight: 1, arbitrary: fc.nat(20_000).map((length) => 'a'.repeat(length)) },
)

const value = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(
        fc.constantFrom('Bearer', 'Bearer', 'bearer', 'BEARER', 'Bearer', 'DPoP', 'Basic', ''),
        fc.constantFrom(' ', ' ', ' ', ' ', ' ', '  ', '\t', '', '\u00a0'),
        credentials,
        fc.constantFrom('', '', '', '', '', ' ', '\t', ',', ' x', '\u00a0', '\r\n more', '\0'),
      )
      .map((parts) => parts.join('')),
  },
  { weight: 1, arbitrary: bytes },
)

const line: fc.Arbitrary<HeaderLine> = fc.record({
  name: fc.oneof(
    {
      weight: 8,
      arbitrary: fc.constantFrom('authorization', 'Authorization', 'AUTHORIZATION'),
    },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        'authorization ',
        ' authorization',
        'proxy-authorization',
        'dpop',
        'cookie',
        'x',
        '__proto__',
        'client-cert',
        '',
      ),
    },
    { weight: 1, arbitrary: bytes },
  ),
  between: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(': ', ':', ':\t') },
    { weight: 1, arbitrary: fc.constantFrom(' : ', '', ':\r\n ') },
  ),
  value,
  end: fc.oneof(
    { weight: 20, arbitrary: fc.constant('\r\n') },
    { weight: 1, arbitrary: fc.constantFrom('\n', '\r', '\n\r', '\r\r\n', '\r\n ', '\0\r\n') },
  ),
})

export const requestCase: fc.Arbitrary<RequestCase> = fc.record({
  method: fc.oneof(
    { weight: 8, arbitrary: fc.constant('GET') },
    { weight: 1, arbitrary: fc.constantFrom('HEAD', 'OPTIONS', 'DELETE', 'get', 'FOO', '') },
  ),
  version: fc.oneof(
    { weight: 8, arbitrary: fc.constant('1.1') },
    { weight: 1, arbitrary: fc.constantFrom('1.0', '0.9', '2.0', '1.9', '') },
  ),
  lines: fc.oneof(
    { weight: 3, arbitrary: fc.array(line, { minLength: 1, maxLength: 1 }) },
    { weight: 1, arbitrary: fc.array(line, { maxLength: 4 }) },
  ),
})
