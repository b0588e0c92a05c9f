/**
 * Differential test: the same tokens verified by jose and by us, 120,000 unless `DIFFERENTIAL_TOKENS`
 * says otherwise. `DIFFERENTIAL_SEED` plays other ones; a run prints its seed.
 */
import { runTap } from '../../scripts/run-tap.js'

const { DIFFERENTIAL_TOKENS = '120000' } = process.env
process.exitCode = runTap('suites/differential', '.test.ts', {
  timeout: 1_800,
  jobs: 2,
  env: { DIFFERENTIAL_TOKENS },
})
