/** All checks, in the order of the list of rules. */
import type { Check } from './check.js'
import { around } from './checks/around.js'
import { bearer } from './checks/bearer.js'
import { discovery } from './checks/discovery.js'
import { dpop } from './checks/dpop.js'
import { introspection } from './checks/introspection.js'
import { jwtClaims } from './checks/jwt-claims.js'
import { jwtForm } from './checks/jwt-form.js'
import { jwtSignature } from './checks/jwt-signature.js'
import { mtls } from './checks/mtls.js'
import { passwordGrantHelper } from './checks/password-grant.js'
import { refusals } from './checks/refusals.js'
import { unseen } from './unseen.js'

const GROUPS = 'BJDIPRG'

function inOrder(one: string, other: string): number {
  const group = GROUPS.indexOf(one.charAt(0)) - GROUPS.indexOf(other.charAt(0))
  return group === 0 ? Number(one.slice(1)) - Number(other.slice(1)) : group
}

export const checks: readonly Check[] = [
  ...bearer,
  ...refusals,
  ...jwtClaims,
  ...jwtSignature,
  ...jwtForm,
  ...discovery,
  ...introspection,
  ...dpop,
  ...mtls,
  ...around,
  ...passwordGrantHelper,
].sort((one, other) => inOrder(one.id, other.id))

/** Every row that has a check, or a test in its place. */
export const ids: readonly string[] = [...new Set([...checks, ...unseen].map(({ id }) => id))].sort(
  inOrder,
)
