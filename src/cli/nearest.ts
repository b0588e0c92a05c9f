/** What somebody may have meant who wrote something that isn't there. */

/** More mistakes than these make it another word. */
const MAX_MISTAKES = 3

/** The known word that is nearest to the given one; `undefined` if none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, mistakes: mistakesBetween(word, candidate) }))
    .filter(({ candidate, mistakes }) => mistakes <= Math.min(MAX_MISTAKES, candidate.length / 2))
    .sort((a, b) => a.mistakes - b.mistakes)
  return ranked[0]?.candidate ?? known.find((one) => isBeginning(word, one))
}

function isBeginning(word: string, known: string): boolean {
  return word.length > 1 && known.startsWith(word)
}

/** The distance of Levenshtein: how many letters to add, to drop or to change. */
function mistakesBetween(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, i) => i)
  for (const [i, letter] of [...one.slice(0, 64)].entries()) {
    const next = [i + 1]
    for (const [j, expected] of [...other].entries()) {
      const changed = (row[j] as number) + (letter === expected ? 0 : 1)
      next.push(Math.min(changed, (row[j + 1] as number) + 1, (next[j] as number) + 1))
    }
    row = next
  }
  return row.at(-1) as number
}
