import type { Endpoint, EndpointName } from '../http/router.js'
import type { Fault } from './fault.js'
import { type FaultHandler, faultHandler } from './fault-handlers.js'
import { requireFault } from './require-fault.js'

const ENDPOINT_NAMES: readonly EndpointName[] = [
  'discovery',
  'jwks',
  'token',
  'introspection',
  'revocation',
  'logout',
  'streams',
  'poll',
]

/** The faults that only one endpoint supports, with that endpoint. */
const ONLY_ENDPOINT = new Map<Fault, EndpointName>([
  ['no-keys', 'jwks'],
  ['bad-key', 'jwks'],
  ['many-keys', 'jwks'],
  ['wrong-issuer', 'discovery'],
])

/** The active faults, at most one for each endpoint. */
export class Faults {
  readonly #handlers = new Map<string, FaultHandler>()

  /**
   * Activates a fault at the endpoints. Default: every endpoint that supports the fault.
   *
   * @throws {TypeError} if the fault is invalid, if the endpoint is unknown, or if the endpoint
   *   does not support the fault
   */
  fail(fault: Fault, endpoints?: EndpointName | readonly EndpointName[]): void {
    requireFault(fault)
    const only = ONLY_ENDPOINT.get(fault)
    const names =
      endpoints === undefined && only !== undefined ? [only] : requireEndpoints(endpoints)
    if (only !== undefined && names.some((name) => name !== only)) {
      throw new TypeError(`the fault "${fault}" is supported only at the endpoint "${only}"`)
    }
    for (const name of names) this.#handlers.set(name, faultHandler(fault))
  }

  /**
   * Removes the faults of the endpoints. Default: every endpoint.
   *
   * @throws {TypeError} if an endpoint is unknown
   */
  recover(endpoints?: EndpointName | readonly EndpointName[]): void {
    for (const name of requireEndpoints(endpoints)) this.#handlers.delete(name)
  }

  /**
   * Returns the handler of the endpoint's active fault; `undefined` if there is none, or if the
   * endpoint ignores faults.
   */
  at({ name, exemptFromFaults }: Endpoint): FaultHandler | undefined {
    return exemptFromFaults ? undefined : this.#handlers.get(name)
  }
}

function requireEndpoints(endpoints: unknown = ENDPOINT_NAMES): readonly EndpointName[] {
  const names: unknown[] = Array.isArray(endpoints) ? endpoints : [endpoints]
  const known: readonly unknown[] = ENDPOINT_NAMES
  if (names.length === 0 || !names.every((name) => known.includes(name))) {
    throw new TypeError(`"endpoints" must be one or several of ${ENDPOINT_NAMES.join(', ')}`)
  }
  return names as EndpointName[]
}
