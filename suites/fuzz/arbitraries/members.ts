/**
 * Generates nearly valid objects: a valid object with members that are replaced, removed or
 * duplicated.
 */
import fc from 'fast-check'
import { type Members, membersOf, text, withMember } from '../../differential/fixtures/json-text.js'
import { jsonValue } from './json.js'

export interface Change {
  readonly how: 'set' | 'drop' | 'again'
  readonly name: string
  /** JSON text. */
  readonly value: string
}

/** @param likely JSON texts by member name: values that are valid or nearly valid for that name. */
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

/** Returns the JSON text of `valid` with the changes applied. */
export function changed(valid: Record<string, unknown>, changes: readonly Change[]): string {
  return text(changes.reduce(applied, membersOf(valid)))
}

function applied(members: Members, { how, name, value }: Change): Members {
  if (how === 'again') return [...members, [name, value]]
  return how === 'set'
    ? withMember(members, name, value)
    : members.filter(([other]) => other !== name)
}
