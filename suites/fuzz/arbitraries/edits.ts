/**
 * Generates edits of a text, at offsets modulo its length. A failing case shrinks to fewer edits.
 */
import fc from 'fast-check'

export interface Edit {
  readonly how: 'insert' | 'replace' | 'delete' | 'repeat' | 'cut'
  /** Offset; counted from the end if negative. */
  readonly at: number
  readonly length: number
  readonly text: string
}

/** @param pieces texts to insert. */
export function edits(
  pieces: fc.Arbitrary<string>,
  maxLength: number,
): fc.Arbitrary<readonly Edit[]> {
  const edit = fc.record({
    how: fc.constantFrom('insert', 'replace', 'delete', 'repeat', 'cut'),
    at: fc.oneof({ weight: 4, arbitrary: fc.nat(65_535) }, fc.integer({ min: -3, max: -1 })),
    length: fc.integer({ min: 1, max: 8 }),
    text: pieces,
  }) satisfies fc.Arbitrary<Edit>
  return fc.oneof(fc.constant([]), fc.array(edit, { maxLength }))
}

export function edited(text: string, changes: readonly Edit[]): string {
  return changes.reduce((changed, { how, at, length, text: piece }) => {
    const from = at < 0 ? Math.max(0, changed.length + at) : at % (changed.length + 1)
    const [before, after] = [changed.slice(0, from), changed.slice(from)]
    if (how === 'insert') return before + piece + after
    if (how === 'replace') return before + piece + after.slice(piece.length)
    if (how === 'delete') return before + after.slice(length)
    if (how === 'repeat') return before + after.slice(0, length).repeat(2) + after.slice(length)
    return before
  }, text)
}
