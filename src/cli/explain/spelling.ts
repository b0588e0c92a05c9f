/** Describes the difference between two identifiers that were probably meant to be equal. */

const SPELLINGS: readonly (readonly [what: string, normalized: (name: string) => string])[] = [
  ['surrounding whitespace', (name) => name.trim()],
  ['upper and lower case', (name) => name.toLowerCase()],
  ['the scheme before "://"', (name) => name.replace(/^[a-z][a-z\d+.-]*:\/\//i, '')],
  ['the trailing slash', (name) => name.replace(/(?<!\/)\/+$/, '')],
]

/**
 * Returns the names of the differences, such as `the trailing slash`; `undefined` if the
 * identifiers are equal or unrelated.
 */
export function spellingDifference(one: string, other: string): string | undefined {
  const isSame = (spellings: typeof SPELLINGS) =>
    spellings.reduce((name, [, normalized]) => normalized(name), one) ===
    spellings.reduce((name, [, normalized]) => normalized(name), other)
  if (one === other || !isSame(SPELLINGS)) return undefined
  // One difference may have two names: "HTTPS" and "https" differ by case and by scheme. Therefore
  // the reduction omits each name without which the other names still explain the difference.
  const needed = SPELLINGS.reduceRight((left, spelling) => {
    const others = left.filter((other) => other !== spelling)
    return isSame(others) ? others : left
  }, SPELLINGS)
  return needed.map(([what]) => what).join(' and ')
}
