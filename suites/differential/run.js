/**
 * Differential test: jose and this package verify the same tokens, 120,000 unless
 * `DIFFERENTIAL_TOKENS` is set. `DIFFERENTIAL_SEED` selects other tokens; a run prints its seed.
 */
import { runTap } from '../../scripts/run-tap.js'

const { DIFFERENTIAL_TOKENS = '120000' } = process.env
process.exitCode = runTap('suites/differential', '.test.ts', {
  timeout: 1_800,
  jobs: 2,
  env: { DIFFERENTIAL_TOKENS },
})
