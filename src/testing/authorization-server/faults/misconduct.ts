import type { Answer } from '../http/answer.js'
import {
  type Delivery,
  dripping,
  half,
  late,
  reset,
  silence,
  streamed,
  whole,
} from '../http/delivery.js'
import { redirectedPrefix } from '../http/router.js'
import type { Fault, FaultName } from './fault.js'
import { crowded, endless, padded } from './long-bodies.js'
import {
  badKey,
  errorStatus,
  html,
  noKeys,
  redirection,
  rubbish,
  wrongIssuer,
} from './spoilt-answers.js'

const hugeSize = 50_000_000
const manyKeys = 10_000

/**
 * Handles a request in place of its endpoint. The correct response is created only if the fault
 * uses it.
 */
export type Misconduct = (truth: () => Promise<Answer>) => Delivery | Promise<Delivery>

/** The handlers of the faults without parameters. */
export const namedMisconduct: { readonly [name in FaultName]: Misconduct } = {
  reset: () => reset,
  hang: () => silence,
  'stalled-body': async (truth) => half(await truth()),
  garbage: () => whole(rubbish),
  html: () => whole(html),
  redirect: () => (response) => {
    whole(redirection(`${redirectedPrefix}${response.req.url}`))(response)
  },
  oversized: async (truth) => streamed(await truth(), (bytes) => padded(bytes, hugeSize)),
  endless: async (truth) => streamed(await truth(), endless),
  'no-keys': async (truth) => whole(noKeys(await truth())),
  'bad-key': async (truth) => whole(badKey(await truth())),
  'many-keys': async (truth) => {
    const answer = await truth()
    if (answer.status !== 200) return whole(answer)
    return streamed(answer, (bytes) => crowded(bytes, manyKeys))
  },
  'wrong-issuer': async (truth) => whole(wrongIssuer(await truth())),
}

/** Returns the handler of a validated fault. */
export function misconduct(fault: Fault): Misconduct {
  if (typeof fault === 'string') return namedMisconduct[fault]
  if ('status' in fault) return () => whole(errorStatus(fault.status, fault.retryAfter))
  if ('redirect' in fault) return () => whole(redirection(new URL(fault.redirect).href))
  if ('delay' in fault) return async (truth) => late(await truth(), fault.delay)
  return async (truth) => dripping(await truth(), fault.slowBody)
}
