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

/** @param likely by name, JSON text of values that mean something there: what is, or nearly. */
export function changesTo(
  likely: Readonly<Record<string, readonly string[]>>,
): fc.Arbitrary<readonly Change[]> {
  const how = fc.constantFrom('set', 'set', 'set', 'set', 'drop', 'again') as fc.Arbitrary<
    Change['how']
  >
  const value = (values: readonly string[]) =>
    fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...values) }, jsonValue)
  const changes = Object.entries({ ...likely, constructor: ['1'], '': ['1'] }).map(
    ([name, values]) => fc.record({ how, name: fc.constant(name), value: value(values) }),
  )
  const proto = fc.record({ how, name: fc.constant('__proto__'), value: fc.constant('{}') })
  return fc.oneof(fc.constant([]), fc.array(fc.oneof(...changes, proto), { maxLength: 3 }))
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
