/** Lists the fault cases, in the order of the table. */
import firstRequests from './cases/first-requests.js'
import issuerDown from './cases/issuer-down.js'
import issuerHanging from './cases/issuer-hanging.js'
import keyRemoved from './cases/key-removed.js'
import outageInAFlood from './cases/outage-in-a-flood.js'
import oversizedResponses from './cases/oversized-responses.js'
import randomKids from './cases/random-kids.js'
import restart from './cases/restart.js'
import rotationInAFlood from './cases/rotation-in-a-flood.js'
import rotationUnderLoad from './cases/rotation-under-load.js'
import tokenBeforeItsKey from './cases/token-before-its-key.js'

/**
 * The table has a row for each case. `observe` causes the fault on a {@link Harness}, for both
 * subjects alike; `check` returns the properties that this package must have; `describe` summarizes
 * the measurements. A `heavy` case runs alone.
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
  oversizedResponses,
  outageInAFlood,
]
