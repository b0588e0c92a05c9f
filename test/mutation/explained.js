/**
 * Mutants that no test can notice, and why. One that isn't listed here fails the run. Found again by
 * the line on which they stand, so that what comes before it may change.
 */
const EXPLAINED = []

export function explanationOf(mutant) {
  return EXPLAINED.find(
    ({ file, line, to }) =>
      file === mutant.file &&
      line === mutant.context &&
      (to === undefined || to === mutant.replacement),
  )?.why
}
