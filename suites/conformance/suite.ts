/** All checks, in the order of their ids. */
import type { Check } from './check.js'
import { bearer } from './checks/bearer.js'
import { delegation } from './checks/delegation.js'
import { discovery } from './checks/discovery.js'
import { dpop } from './checks/dpop.js'
import { encryption } from './checks/encryption.js'
import { introspection } from './checks/introspection.js'
import { jwtClaims } from './checks/jwt-claims.js'
import { jwtForm } from './checks/jwt-form.js'
import { jwtSignature } from './checks/jwt-signature.js'
import { metadataStepUpAndCors } from './checks/metadata-step-up-cors.js'
import { mtls } from './checks/mtls.js'
import { passwordGrantHelper } from './checks/password-grant.js'
import { rejections } from './checks/rejections.js'
import { invisibleProperties } from './invisible-properties.js'

const GROUPS = 'BJEDIPRAG'

function compareIds(a: string, b: string): number {
  const group = GROUPS.indexOf(a.charAt(0)) - GROUPS.indexOf(b.charAt(0))
  return group === 0 ? Number(a.slice(1)) - Number(b.slice(1)) : group
}

export const checks: readonly Check[] = [
  ...bearer,
  ...rejections,
  ...jwtClaims,
  ...jwtSignature,
  ...jwtForm,
  ...encryption,
  ...discovery,
  ...introspection,
  ...dpop,
  ...mtls,
  ...metadataStepUpAndCors,
  ...delegation,
  ...passwordGrantHelper,
].sort((a, b) => compareIds(a.id, b.id))

/** The ids of all rows that have a check or a test. */
export const ids: readonly string[] = [
  ...new Set([...checks, ...invisibleProperties].map(({ id }) => id)),
].sort(compareIds)
