/**
 * Mutants that no test can notice, and why. One that isn't listed here fails the run. They are found
 * again by the line on which they begin, so that what stands above it may change.
 */
const AUTHORIZATION = 'src/credentials/authorization.ts'
const NAMES =
  "(name === 'authorization' || name === 'Authorization' || name.toLowerCase() === 'authorization')"

const EXPLAINED = [
  {
    file: AUTHORIZATION,
    line: 'name.length === 13 &&',
    to: ['true'],
    why: 'spares a copy of each name; the comparison after it decides',
  },
  {
    file: AUTHORIZATION,
    line: NAMES,
    from: [
      "name === 'authorization' || name === 'Authorization'",
      "name === 'authorization'",
      "name === 'Authorization'",
      "'Authorization'",
    ],
    to: ['false', "name === 'authorization' && name === 'Authorization'", '""'],
    why: 'spares a copy of the usual spellings; the comparison without case decides',
  },
  {
    file: AUTHORIZATION,
    line: 'if (!authorization.startsWith(scheme.usual) && !scheme.pattern.test(authorization)) {',
    from: ['!authorization.startsWith(scheme.usual)'],
    to: ['true'],
    why: 'spares the usual spelling the pattern, which says the same',
  },
  {
    file: 'src/credentials/bearer.ts',
    line: 'if (token !== undefined && !isToken68(token)) throw malformedHeader()',
    from: ['token !== undefined'],
    to: ['true'],
    why: 'for the compiler: the pattern takes undefined for the word',
  },
  {
    file: 'src/credentials/dpop-proofs.ts',
    line: "if (name.length === 4 && name.toLowerCase() === 'dpop') proofs.push(rawHeaders[i + 1] as string)",
    from: ['name.length === 4'],
    to: ['true'],
    why: 'spares a copy of each name; the comparison after it decides',
  },
  {
    file: 'src/challenge.ts',
    line: 'if (maxAge !== undefined && Number.isSafeInteger(maxAge) && maxAge >= 0) {',
    from: ['maxAge !== undefined'],
    to: ['true'],
    why: 'for the compiler: undefined is no safe integer',
  },
  {
    file: 'src/token/claims.ts',
    line: 'if (type === undefined || !types.includes(type)) {',
    from: ['type === undefined'],
    to: ['false'],
    why: 'for the compiler: undefined is none of the types',
  },
  {
    file: 'src/token/claims.ts',
    line: "if (typeof typ === 'string' && OTHER_KINDS.has(typ)) {",
    from: ["typeof typ === 'string'"],
    to: ['true'],
    why: 'for the compiler: the set holds nothing but strings',
  },
]

export function explanationOf({ file, context, original, replacement }) {
  const found = EXPLAINED.find(
    (one) =>
      one.file === file &&
      one.line === context &&
      (one.from === undefined || one.from.includes(original)) &&
      one.to.includes(replacement),
  )
  return found?.why
}
