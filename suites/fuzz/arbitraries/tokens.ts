/**
 * Generates tokens as lists of changes to a valid token: to members, to the characters of a segment
 * before and after signing, and to the order of segments. A case contains no token, so that it does
 * not depend on the keys.
 */
import fc from 'fast-check'
import type { Edit } from './edits.js'
import { edits } from './edits.js'
import { jsonObject, jsonValue } from './json.js'
import { anyText } from './text.js'

/** A change of one member, with JSON text as value; `again` adds a duplicate. */
export interface MemberChange {
  readonly how: 'set' | 'drop' | 'again' | 'escaped'
  readonly name: string
  readonly value: string
}

/**
 * A change of one segment: of its characters, its decoded `bytes`, or its unused bits (`stray`).
 */
export interface SegmentChange {
  readonly segment: number
  readonly as: 'text' | 'bytes' | 'stray'
  readonly edits: readonly Edit[]
}

export interface TokenCase {
  readonly ring: number
  readonly signer: number
  readonly header: readonly MemberChange[] | string
  readonly claims: readonly MemberChange[] | string
  readonly unsigned: readonly SegmentChange[]
  /** Signature by the signer's key, by the attacker's key, or copied from a valid token. */
  readonly signature: 'own' | 'attacker' | 'copied'
  readonly signed: readonly SegmentChange[]
  /** Indexes of the segments that the token consists of. */
  readonly order: readonly number[]
}

/** Times around each limit, relative to `NOW` of test/fixtures/forgery.ts. */
const TIMES = [-31, -30, -29, -1, 0, 1, 29, 30, 31, 300].map((s) => `${1_800_000_000 + s}`)

const value = fc.oneof(
  { weight: 3, arbitrary: jsonValue },
  { weight: 1, arbitrary: fc.constantFrom(...TIMES, `${TIMES[4]}.5`, '1e10', '-1') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '"api://default"',
      '["x","api://default"]',
      '["api://default",1]',
      '"https://issuer.example/oauth2/default"',
      '"JWT"',
      '"application/at+jwt"',
      '"at+JWT"',
      '"EdDSA"',
      '"HS256"',
      '"none"',
      '["exp"]',
      '"access"',
      '"ID"',
    ),
  },
)

/** Changes of members that mostly have one of the names. */
export function changes(
  names: readonly string[],
  value: fc.Arbitrary<string>,
): fc.Arbitrary<readonly MemberChange[] | string> {
  const name = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...names) },
    { weight: 1, arbitrary: fc.constantFrom('__proto__', 'constructor', 'toString', 'then') },
    { weight: 1, arbitrary: fc.string({ maxLength: 5 }) },
  )
  const how = fc.constantFrom('set', 'set', 'set', 'drop', 'again', 'escaped')
  const change = fc.record({ how, name, value }) as fc.Arbitrary<MemberChange>
  return fc.oneof(
    { weight: 8, arbitrary: fc.constant([]) },
    { weight: 8, arbitrary: fc.array(change, { minLength: 1, maxLength: 3 }) },
    { weight: 1, arbitrary: jsonObject },
  )
}

const HEADER = ['alg', 'kid', 'typ', 'crit', 'b64', 'jwk', 'jku', 'x5u', 'x5c', 'zip', 'cty', 'enc']
const CLAIMS = ['iss', 'aud', 'exp', 'nbf', 'iat', 'sub', 'client_id', 'jti', 'sid', 'scope', 'cnf']
const TYPE_CLAIMS = [
  'typ',
  'token_use',
  'at_hash',
  'events',
  'azp',
  'cid',
  'c_hash',
  's_hash',
  'sid',
]

const piece = fc.oneof(
  fc.constantFrom('.', '=', '==', '+', '/', '-', '_', 'A', ' ', '\n', '\0', '%2e', 'é', '\ud83d'),
  anyText(2),
  fc.nat(0xffff).map((unit) => String.fromCharCode(unit)),
)

/** @param weight how many unchanged tokens there are for each changed one. */
export function segments(count: number, weight: number): fc.Arbitrary<readonly SegmentChange[]> {
  const change = fc.record({
    segment: fc.nat(count - 1),
    as: fc.constantFrom('text', 'text', 'bytes', 'bytes', 'stray'),
    edits: edits(piece, 2),
  }) as fc.Arbitrary<SegmentChange>
  return fc.oneof(
    { weight, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(change, { minLength: 1, maxLength: 2 }) },
  )
}

export const tokenCase: fc.Arbitrary<TokenCase> = fc.record({
  ring: fc.nat(9),
  signer: fc.nat(99),
  header: changes(HEADER, value),
  claims: changes([...CLAIMS, ...CLAIMS, ...TYPE_CLAIMS], value),
  unsigned: segments(3, 4),
  signature: fc.constantFrom('own', 'own', 'own', 'own', 'copied', 'copied', 'attacker'),
  signed: segments(3, 4),
  order: fc.oneof(
    { weight: 20, arbitrary: fc.constant([0, 1, 2]) },
    { weight: 1, arbitrary: fc.array(fc.nat(3), { maxLength: 6 }) },
  ),
})
