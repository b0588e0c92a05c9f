/** Creates the token of a case. */
import { goodClaims, goodHeader, signature } from '../../../test/fixtures/forgery.js'
import { base64url, type TestKey } from '../../../test/fixtures/issuer.js'
import { type Members, membersOf, text, withMember } from '../../differential/fixtures/json-text.js'
import { ALPHABET } from '../../differential/fixtures/respellings.js'
import { edited } from '../arbitraries/edits.js'
import type { MemberChange, SegmentChange, TokenCase } from '../arbitraries/tokens.js'

export interface Signers {
  readonly signer: TestKey
  readonly attacker: TestKey
}

type Parts = readonly string[]

export function tokenText(testCase: TokenCase, { signer, attacker }: Signers): string {
  const header = changed(membersOf(goodHeader(signer)), testCase.header)
  const claims = changed(membersOf(goodClaims()), testCase.claims)
  const input = apply([header, claims].map(base64url), testCase.unsigned)
  const end = signatureFor(testCase, input.join('.'), signer, attacker)
  const parts = apply([...input, end], testCase.signed)
  return testCase.order.map((index) => parts[index] ?? '').join('.')
}

function signatureFor(
  { signature: signedBy }: TokenCase,
  input: string,
  own: TestKey,
  other: TestKey,
): string {
  if (signedBy === 'copied') return validSignature(own)
  return signature(signedBy === 'attacker' ? other : own, input).toString('base64url')
}

const validSignatures = new Map<TestKey, string>()

/** Returns the signature of the unchanged token; cached, because signing is slow. */
function validSignature(key: TestKey): string {
  const input = [goodHeader(key), goodClaims()].map((object) => base64url(object)).join('.')
  const cached = validSignatures.get(key) ?? signature(key, input).toString('base64url')
  validSignatures.set(key, cached)
  return cached
}

/** Returns the JSON text of the members with the changes applied. */
export function changed(members: Members, changes: readonly MemberChange[] | string): string {
  if (typeof changes === 'string') return changes
  return text(changes.reduce(change, members))
}

function change(members: Members, { how, name, value }: MemberChange): Members {
  const written = JSON.stringify(name).slice(1, -1)
  if (how === 'again') return [...members, [written, value]]
  if (how === 'drop') return members.filter(([other]) => other !== written)
  if (how === 'set') return withMember(members, written, value)
  return members.map(([other, old]) => (other === written ? [escaped(name), old] : [other, old]))
}

/** Writes the same name with unicode escapes. */
function escaped(name: string): string {
  const units = name.split('').map((unit) => unit.charCodeAt(0).toString(16).padStart(4, '0'))
  return units.map((unit) => `\\u${unit}`).join('')
}

/** Returns the segments with the changes applied. */
export function apply(parts: Parts, changes: readonly SegmentChange[]): Parts {
  return changes.reduce((list, { segment, as, edits }) => {
    const index = segment % list.length
    const part = list[index] as string
    if (as === 'text') return list.with(index, edited(part, edits))
    if (as === 'stray') return list.with(index, withStrayBit(part))
    const bytes = edited(Buffer.from(part, 'base64url').toString('latin1'), edits)
    return list.with(index, Buffer.from(bytes, 'latin1').toString('base64url'))
  }, parts)
}

/**
 * Flips the lowest bit of the last character, which is unused unless the length is divisible by
 * four.
 */
function withStrayBit(segment: string): string {
  const last = ALPHABET.indexOf(segment.slice(-1))
  return last === -1 ? segment : segment.slice(0, -1) + ALPHABET.charAt(last ^ 1)
}
