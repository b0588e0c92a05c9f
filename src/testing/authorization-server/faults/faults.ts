import type { Endpoint, EndpointName } from '../http/router.js'
import type { Fault } from './fault.js'
import { type Misconduct, misconduct } from './misconduct.js'
import { requireFault } from './require-fault.js'

const endpointNames: readonly EndpointName[] = [
  'discovery',
  'jwks',
  'token',
  'introspection',
  'revocation',
]

/** Faults that only one endpoint supports. */
const onlyAt = new Map<Fault, EndpointName>([
  ['no-keys', 'jwks'],
  ['bad-key', 'jwks'],
  ['many-keys', 'jwks'],
  ['wrong-issuer', 'discovery'],
])

/** The active faults, at most one for each endpoint. */
export class Faults {
  readonly #misconduct = new Map<string, Misconduct>()

  /**
   * @throws {TypeError} if the fault or the endpoint is unknown, or the endpoint does not support
   *   the fault
   */
  fail(fault: Fault, endpoints?: EndpointName | readonly EndpointName[]): void {
    requireFault(fault)
    const place = onlyAt.get(fault)
    const names = endpoints === undefined && place !== undefined ? [place] : named(endpoints)
    if (place !== undefined && names.some((name) => name !== place)) {
      throw new TypeError(`the fault "${fault}" needs the endpoint "${place}" and no other`)
    }
    for (const name of names) this.#misconduct.set(name, misconduct(fault))
  }

  recover(endpoints?: EndpointName | readonly EndpointName[]): void {
    for (const name of named(endpoints)) this.#misconduct.delete(name)
  }

  at({ name, alwaysTrue }: Endpoint): Misconduct | undefined {
    return alwaysTrue ? undefined : this.#misconduct.get(name)
  }
}

function named(endpoints: unknown = endpointNames): readonly EndpointName[] {
  const names: unknown[] = Array.isArray(endpoints) ? endpoints : [endpoints]
  const known: readonly unknown[] = endpointNames
  if (names.length === 0 || !names.every((name) => known.includes(name))) {
    throw new TypeError(`"endpoints" must be one or several of ${endpointNames.join(', ')}`)
  }
  return names as EndpointName[]
}
