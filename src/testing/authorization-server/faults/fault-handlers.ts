import {
  type Delivery,
  delayed,
  neverRespond,
  resetConnection,
  sendUnchanged,
  slowBody,
  stalledBody,
  streamedBody,
} from '../http/delivery.js'
import type { HttpResponse } from '../http/http-response.js'
import { REDIRECTED_PREFIX } from '../http/router.js'
import type { Fault, FaultName } from './fault.js'
import {
  errorStatus,
  garbage,
  loginPage,
  redirection,
  withBadKey,
  withoutKeys,
  withWrongIssuer,
} from './faulty-responses.js'
import { endlessObject, enlargeKeySet, padObject } from './oversized-bodies.js'

const OVERSIZED_BYTES = 50_000_000
const MANY_KEYS = 10_000

/**
 * Handles a request in place of its endpoint, and returns the faulty delivery. The function
 * `respond` creates the correct response; the handler calls it only if the fault uses this
 * response.
 */
export type FaultHandler = (respond: () => Promise<HttpResponse>) => Delivery | Promise<Delivery>

/** The handlers of the faults without parameters, keyed by the name of the fault. */
export const NAMED_FAULT_HANDLERS: { readonly [name in FaultName]: FaultHandler } = {
  reset: () => resetConnection,
  hang: () => neverRespond,
  'stalled-body': async (respond) => stalledBody(await respond()),
  garbage: () => sendUnchanged(garbage),
  html: () => sendUnchanged(loginPage),
  redirect: () => (response) => {
    sendUnchanged(redirection(`${REDIRECTED_PREFIX}${response.req.url}`))(response)
  },
  oversized: async (respond) =>
    streamedBody(await respond(), (bytes) => padObject(bytes, OVERSIZED_BYTES)),
  endless: async (respond) => streamedBody(await respond(), endlessObject),
  'no-keys': async (respond) => sendUnchanged(withoutKeys(await respond())),
  'bad-key': async (respond) => sendUnchanged(withBadKey(await respond())),
  'many-keys': async (respond) => {
    const response = await respond()
    if (response.status !== 200) return sendUnchanged(response)
    return streamedBody(response, (bytes) => enlargeKeySet(bytes, MANY_KEYS))
  },
  'wrong-issuer': async (respond) => sendUnchanged(withWrongIssuer(await respond())),
}

/** Returns the handler of a valid fault; `requireFault` must have accepted it. */
export function faultHandler(fault: Fault): FaultHandler {
  if (typeof fault === 'string') return NAMED_FAULT_HANDLERS[fault]
  if ('status' in fault) return () => sendUnchanged(errorStatus(fault.status, fault.retryAfter))
  if ('redirect' in fault) return () => sendUnchanged(redirection(new URL(fault.redirect).href))
  if ('delay' in fault) return async (respond) => delayed(await respond(), fault.delay)
  return async (respond) => slowBody(await respond(), fault.slowBody)
}
