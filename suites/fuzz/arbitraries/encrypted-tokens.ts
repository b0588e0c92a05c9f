/**
 * Generates encrypted tokens as lists of changes to a valid one: to header members before the
 * encryption, to the content, to the characters of a segment after the encryption, and to the order
 * of segments.
 */
import fc from 'fast-check'
import { edits } from './edits.js'
import { jsonValue } from './json.js'
import {
  changes,
  type MemberChange,
  type SegmentChange,
  segments,
  type TokenCase,
  tokenCase,
} from './tokens.js'

export interface EncryptedTokenCase {
  /** Index of the algorithms and the key. */
  readonly recipe: number
  /** Changes of the header, which is authenticated with these changes. */
  readonly header: readonly MemberChange[] | string
  /** The signed JWT; `valid` without changes, `other` is another valid one. */
  readonly inner: TokenCase | 'valid' | 'other'
  /** What is encrypted: the JWT, its compressed form, another JWE, or the bare claims. */
  readonly content: 'jwt' | 'compressed' | 'jwe' | 'claims'
  readonly changes: readonly SegmentChange[]
  /** Indexes of the segments: 0 to 4 of this token, 5 to 9 of a valid token for the same key. */
  readonly order: readonly number[]
}

const HEADER = ['alg', 'enc', 'kid', 'cty', 'typ', 'zip', 'crit', 'b64', 'epk', 'apu', 'apv']
const RARE = ['p2c', 'p2s', 'iv', 'tag', 'jwk', 'jku', 'x5c', 'iss', 'aud']

const value = fc.oneof(
  { weight: 2, arbitrary: jsonValue },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      ...['"dir"', '"A256KW"', '"ECDH-ES"', '"ECDH-ES+A256KW"', '"RSA-OAEP-256"', '"RSA-OAEP"'],
      ...['"RSA1_5"', '"PBES2-HS256+A128KW"', '"none"', '"A256GCM"', '"A256CBC-HS512"'],
      ...['"shared"', '"wrap"', '"p-256"', '"x25519"', '"rsa"', '"unknown"', '""', '"\\u0078"'],
      ...['"JWT"', '"jwt"', '"application/JWT"', '"at+jwt"', '"JWE"', '"application/at+jwt "'],
      ...['"DEF"', '"NONE"', '["exp"]', '["zip"]', '[]', 'false', '2147483647', '"AAAA"'],
      '{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}',
      `{"kty":"OKP","crv":"X25519","x":"${'A'.repeat(43)}"}`,
    ),
  },
)

const IN_ORDER = [0, 1, 2, 3, 4]

/** A change of a few bytes of a segment, which stays canonical base64url. */
const bytesOfSegment = fc.record({
  segment: fc.nat(4),
  as: fc.constant('bytes'),
  edits: edits(
    fc.nat(255).map((code) => String.fromCharCode(code)),
    1,
  ),
}) as fc.Arbitrary<SegmentChange>

export const encryptedTokenCase: fc.Arbitrary<EncryptedTokenCase> = fc.record({
  recipe: fc.nat(19),
  header: fc.oneof(
    { weight: 1, arbitrary: fc.constant([]) },
    { weight: 2, arbitrary: changes([...HEADER, ...HEADER, ...RARE], value) },
  ),
  inner: fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom('valid', 'other') },
    { weight: 2, arbitrary: tokenCase },
  ),
  content: fc.oneof(
    { weight: 30, arbitrary: fc.constant('jwt') },
    { weight: 1, arbitrary: fc.constantFrom('compressed', 'jwe', 'claims') },
  ) as fc.Arbitrary<EncryptedTokenCase['content']>,
  changes: fc.oneof(
    { weight: 1, arbitrary: segments(5, 1) },
    { weight: 1, arbitrary: fc.array(bytesOfSegment, { minLength: 1, maxLength: 2 }) },
  ),
  order: fc.oneof(
    { weight: 8, arbitrary: fc.constant(IN_ORDER) },
    { weight: 2, arbitrary: fc.nat(4).map((index) => IN_ORDER.with(index, index + 5)) },
    { weight: 1, arbitrary: fc.array(fc.nat(9), { maxLength: 7 }) },
  ),
})
