/** The table of faults, in its order. */
import firstRequests from './cases/first-requests.js'
import issuerDown from './cases/issuer-down.js'
import issuerHanging from './cases/issuer-hanging.js'
import keyRemoved from './cases/key-removed.js'
import outageInAFlood from './cases/outage-in-a-flood.js'
import oversizedAnswers from './cases/oversized-answers.js'
import randomKids from './cases/random-kids.js'
import restart from './cases/restart.js'
import rotationInAFlood from './cases/rotation-in-a-flood.js'
import rotationUnderLoad from './cases/rotation-under-load.js'
import tokenBeforeItsKey from './cases/token-before-its-key.js'

/**
 * One row each. `observe` lives through the fault on a {@link Stage}, in the same way with either
 * subject; `check` tells what of it must be so for ours; `say` puts it into words for both. A
 * `heavy` one has the machine to itself.
 */
export const cases = [
  firstRequests,
  randomKids,
  issuerDown,
  issuerHanging,
  rotationUnderLoad,
  rotationInAFlood,
  tokenBeforeItsKey,
  keyRemoved,
  restart,
  oversizedAnswers,
  outageInAFlood,
]
