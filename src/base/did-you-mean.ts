/** Suggests a known name for a name that is unknown, and probably misspelled. */

/**
 * Returns the error message for an unknown name.
 *
 * @param what describes what the name stands for; `%` in it is replaced by the quoted name.
 * @param equivalent what to use instead; default: a known name that the name resembles.
 */
export function unknownName(
  what: string,
  word: string,
  known: readonly string[],
  equivalent?: string,
): string {
  const unknown = `Unknown ${what.replace('%', () => `"${word}"`)}.`
  if (equivalent !== undefined) return `${unknown} Use ${equivalent} instead`
  const suggestion = nearest(word, known)
  const hint = suggestion === undefined ? '' : ` Did you mean "${suggestion}"?`
  return `${unknown}${hint} Known: ${known.join(', ')}`
}

/**
 * Returns the known name with the smallest edit distance from `word`, ignoring case, if that
 * distance is at most 1 or a quarter of the name's length. Otherwise returns the first known name
 * that begins with `word`, if `word` has at least two characters; otherwise `undefined`.
 */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, edits: editDistance(word, candidate) }))
    .filter(({ candidate, edits }) => edits <= Math.max(1, candidate.length / 4))
    .sort((a, b) => a.edits - b.edits)
  return ranked[0]?.candidate ?? known.find((name) => word.length > 1 && name.startsWith(word))
}

/**
 * Returns the number of insertions, deletions, substitutions and swaps of neighbors that turn the
 * word into the candidate (optimal string alignment), ignoring case. Only the first 64 characters
 * of the word count, which bounds the cost.
 */
function editDistance(word: string, candidate: string): number {
  const [from, to] = [word.slice(0, 64).toLowerCase(), candidate.toLowerCase()]
  let before: number[] = []
  let row = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let i = 0; i < from.length; i++) {
    const next = [i + 1]
    for (let j = 0; j < to.length; j++) {
      const substituted = (row[j] as number) + (from[i] === to[j] ? 0 : 1)
      const isSwap = i > 0 && j > 0 && from[i] === to[j - 1] && from[i - 1] === to[j]
      const swapped = isSwap ? (before[j - 1] as number) + 1 : substituted
      next.push(Math.min(substituted, swapped, (row[j + 1] as number) + 1, (next[j] as number) + 1))
    }
    before = row
    row = next
  }
  return row[to.length] as number
}
