/** Objects that are nearly right: a good one with some of its members set, dropped, or there twice. */
import fc from 'fast-check'
import { type Members, membersOf, text, withMember } from '../../differential/fixtures/json-text.js'
import { jsonValue } from './json.js'

export interface Change {
  readonly how: 'set' | 'drop' | 'again'
  readonly name: string
  /** JSON text. */
  readonly value: string
}

/** @param likely values that mean something in one member or another. */
export function changesTo(
  names: readonly string[],
  likely: readonly string[],
): fc.Arbitrary<readonly Change[]> {
  const change = fc.record({
    how: fc.constantFrom('set', 'set', 'set', 'drop', 'again') as fc.Arbitrary<Change['how']>,
    name: fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom(...names) },
      { weight: 1, arbitrary: fc.constantFrom('__proto__', 'constructor', 'then', '') },
    ),
    value: fc.oneof(fc.constantFrom(...likely), jsonValue),
  })
  return fc.oneof(fc.constant([]), fc.array(change, { maxLength: 3 }))
}

/** JSON text of the good one, changed. */
export function changed(good: Record<string, unknown>, changes: readonly Change[]): string {
  return text(changes.reduce(one, membersOf(good)))
}

function one(members: Members, { how, name, value }: Change): Members {
  if (how === 'again') return [...members, [name, value]]
  return how === 'set'
    ? withMember(members, name, value)
    : members.filter(([other]) => other !== name)
}
