/** Makes the token of a case. */

import { goodClaims, goodHeader, signature } from '../../../test/fixtures/forgery.js'
import { base64url, type TestKey } from '../../../test/fixtures/issuer.js'
import { type Members, membersOf, text, withMember } from '../../differential/fixtures/json-text.js'
import { ALPHABET } from '../../differential/fixtures/respellings.js'
import { edited } from '../arbitraries/edits.js'
import type { MemberChange, SegmentChange, TokenCase } from '../arbitraries/tokens.js'

export interface Signers {
  readonly signer: TestKey
  readonly stranger: TestKey
}

type Parts = readonly string[]

export function tokenText(one: TokenCase, { signer, stranger }: Signers): string {
  const header = changed(membersOf(goodHeader(signer)), one.header)
  const claims = changed(membersOf(goodClaims()), one.claims)
  const input = apply([header, claims].map(base64url), one.unsigned)
  const end = signatureFor(one, input.join('.'), signer, stranger)
  const parts = apply([...input, end], one.signed)
  return one.order.map((index) => parts[index] ?? '').join('.')
}

function signatureFor({ sign }: TokenCase, input: string, own: TestKey, other: TestKey): string {
  if (sign === 'stolen') return goodSignature(own)
  return signature(sign === 'stranger' ? other : own, input).toString('base64url')
}

const good = new Map<TestKey, string>()

/** That of the token without any change. Made once, because it costs. */
function goodSignature(key: TestKey): string {
  const input = [goodHeader(key), goodClaims()].map((object) => base64url(object)).join('.')
  const known = good.get(key) ?? signature(key, input).toString('base64url')
  good.set(key, known)
  return known
}

function changed(members: Members, changes: readonly MemberChange[] | string): string {
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

/** Another spelling of the same name. */
function escaped(name: string): string {
  const units = name.split('').map((unit) => unit.charCodeAt(0).toString(16).padStart(4, '0'))
  return units.map((unit) => `\\u${unit}`).join('')
}

function apply(parts: Parts, changes: readonly SegmentChange[]): Parts {
  return changes.reduce((list, { segment, as, edits }) => {
    const index = segment % list.length
    const part = list[index] as string
    if (as === 'text') return list.with(index, edited(part, edits))
    if (as === 'stray') return list.with(index, strayed(part))
    const bytes = edited(Buffer.from(part, 'base64url').toString('latin1'), edits)
    return list.with(index, Buffer.from(bytes, 'latin1').toString('base64url'))
  }, parts)
}

/** The lowest bit of the last character, which says nothing unless the length is a multiple of four. */
function strayed(segment: string): string {
  const last = ALPHABET.indexOf(segment.slice(-1))
  return last === -1 ? segment : segment.slice(0, -1) + ALPHABET.charAt(last ^ 1)
}
