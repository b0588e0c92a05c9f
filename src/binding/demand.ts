/** What a route, or a call of `verify()`, asks of a token's binding. */
import { ownMembers } from '../base/plain-object.js'
import type { BindingDemand, BindingMode } from './presentation.js'

/** What a route asks of the binding of a token, in the place of what the options say. */
export interface BindingRequirement {
  /**
   * `'required'`: only a token that is bound to a key, with a DPoP proof of it. `'allowed'`: bearer
   * tokens as well. `'off'`: bearer tokens only. Default: as the option `dpop` says.
   */
  dpop?: BindingMode

  /** The same for tokens that are bound to a client's certificate. Default: as `mtls` says. */
  mtls?: BindingMode
}

export const BINDING_KEYS = [
  'dpop',
  'mtls',
] as const satisfies readonly (keyof BindingRequirement)[]

/** Returns the schemes with which a token is accepted, for people. */
export function acceptedSchemes({ dpop }: BindingDemand): string {
  if (dpop === 'required') return 'DPoP'
  return dpop === 'off' ? 'Bearer' : 'Bearer or DPoP'
}

const MODES: readonly unknown[] = ['off', 'allowed', 'required'] satisfies BindingMode[]

/**
 * @param defaults as the options say; a kind that is off there is configured nowhere.
 * @throws {TypeError} that names the part of the requirement and the mend.
 */
export function resolveDemand(
  requirement: BindingRequirement,
  defaults: BindingDemand,
): BindingDemand {
  const resolved = { ...defaults }
  for (const key of BINDING_KEYS) {
    const { [key]: mode = defaults[key] } = ownMembers(requirement)
    if (!MODES.includes(mode)) {
      throw new TypeError(`"${key}" must be 'off', 'allowed' or 'required'`)
    }
    if (mode !== 'off' && defaults[key] === 'off') {
      throw new TypeError(`"${key}" is asked for here: turn it on with the option "${key}"`)
    }
    resolved[key] = mode
  }
  return Object.freeze(resolved)
}
