/** What a route, or a call of `verify()`, requires of a token's binding. */
import { ownMembers } from '../base/plain-object.js'
import type { BindingMode, ResolvedBindingRequirement } from './presentation.js'

/**
 * What a route requires of a token's binding, instead of the defaults in the options.
 *
 * @example
 * ```ts
 * app.post('/payments', { config: { auth: { dpop: 'required' } } }, handler)
 * ```
 */
export interface BindingRequirement {
  /**
   * `'required'`: only a token bound to a key, with a DPoP proof (RFC 9449). `'allowed'`: bearer
   * tokens as well. `'off'`: no token bound to a key. Default: the mode of the option `dpop`; any
   * other value than `'off'` is rejected if that option is off.
   */
  dpop?: BindingMode

  /**
   * The same for tokens bound to a client's certificate (RFC 8705). Default: the mode of the option
   * `mtls`.
   */
  mtls?: BindingMode
}

export const BINDING_KEYS = [
  'dpop',
  'mtls',
] as const satisfies readonly (keyof BindingRequirement)[]

/** Returns the accepted authentication schemes, in words. */
export function acceptedSchemes({ dpop }: ResolvedBindingRequirement): string {
  if (dpop === 'required') return 'DPoP'
  return dpop === 'off' ? 'Bearer' : 'Bearer or DPoP'
}

const MODES: readonly unknown[] = ['off', 'allowed', 'required'] satisfies BindingMode[]

/**
 * @param defaults the modes in the options; a mechanism that is off there is not configured.
 * @param path of the requirement, for error messages.
 * @throws {TypeError} that names the member of the requirement and the fix.
 */
export function resolveBindingRequirement(
  requirement: BindingRequirement,
  defaults: ResolvedBindingRequirement,
  path = 'requirement',
): ResolvedBindingRequirement {
  const resolved = { ...defaults }
  for (const key of BINDING_KEYS) {
    const { [key]: mode = defaults[key] } = ownMembers(requirement)
    if (!MODES.includes(mode)) {
      throw new TypeError(`${path}.${key} must be 'off', 'allowed' or 'required'`)
    }
    if (mode !== 'off' && defaults[key] === 'off') {
      throw new TypeError(`${path}.${key} is "${mode}" but the "${key}" option is off: enable it`)
    }
    resolved[key] = mode
  }
  return Object.freeze(resolved)
}
