/** Validates the requirements `dpop` and `mtls` of a route or of a call of `verify()`. */
import { describeValue } from '../base/describe-value.js'
import { ownMembers } from '../base/plain-object.js'
import type { BindingMode, ResolvedBindingRequirement } from './presentation.js'

/**
 * Requirements on the binding of a token, which replace the modes of the options `dpop` and `mtls`.
 *
 * @example
 * ```ts
 * app.post('/payments', { config: { auth: { dpop: 'required' } } }, handler)
 * ```
 */
export interface BindingRequirement {
  /**
   * `'required'` accepts only key-bound tokens, with a DPoP proof (RFC 9449). `'allowed'` also
   * accepts tokens that are not bound to a key. `'off'` rejects key-bound tokens. Default: the mode
   * of the option `dpop`. If that option is off, only `'off'` is allowed here.
   */
  dpop?: BindingMode

  /**
   * `'required'` accepts only certificate-bound tokens, with the client certificate (RFC 8705).
   * `'allowed'` also accepts tokens that are not bound to a certificate. `'off'` rejects
   * certificate-bound tokens. Default: the mode of the option `mtls`. If that option is off, only
   * `'off'` is allowed here.
   */
  mtls?: BindingMode
}

export const BINDING_KEYS = [
  'dpop',
  'mtls',
] as const satisfies readonly (keyof BindingRequirement)[]

/** Returns the accepted authentication schemes as text for messages, such as `Bearer or DPoP`. */
export function acceptedSchemes({ dpop }: ResolvedBindingRequirement): string {
  if (dpop === 'required') return 'DPoP'
  return dpop === 'off' ? 'Bearer' : 'Bearer or DPoP'
}

const MODES: readonly unknown[] = ['off', 'allowed', 'required'] satisfies BindingMode[]

/**
 * Returns the binding requirement of a route or a call, with the defaults filled in.
 *
 * @param defaults the modes of the options, used for members that the requirement omits.
 * @param path the name of the requirement in error messages.
 * @throws {TypeError} if a mode is invalid, or if it is `'allowed'` or `'required'` while the
 *   option is off.
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
      throw new TypeError(
        `${path}.${key} must be "off", "allowed" or "required", not ${describeValue(mode)}`,
      )
    }
    if (mode !== 'off' && defaults[key] === 'off') {
      throw new TypeError(`${path}.${key} is "${mode}" but the "${key}" option is off: enable it`)
    }
    resolved[key] = mode
  }
  return Object.freeze(resolved)
}
