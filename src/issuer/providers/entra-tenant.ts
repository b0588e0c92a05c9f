/**
 * Tenants of Microsoft Entra ID. One key set serves many tenants, and each key names its issuer:
 * `https://login.microsoftonline.com/{tenantid}/v2.0` for every tenant, or the issuer of one.
 */

import { ownMember } from '../../base/plain-object.js'
import { InvalidTokenError } from '../../errors/errors.js'
import type { Rejection } from '../../errors/result.js'
import { isTenantTemplate, TENANT_PLACEHOLDER } from '../../http/metadata.js'
import type { Claims } from '../../token/compact-jws.js'

/** Lower case, like the tenant IDs in Entra's tokens. */
const GUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/

export function isTenantId(text: unknown): text is string {
  return typeof text === 'string' && GUID.test(text)
}

/**
 * Whether `iss` is the template with the token's tenant (`tid`) in place of `{tenantid}`; for an
 * identifier without a placeholder, whether the two are equal. Does not check whether the tenant is
 * trusted.
 */
export function isIssuerOfTenant(template: string, claims: Claims): boolean {
  const [iss, tid] = [ownMember(claims, 'iss'), ownMember(claims, 'tid')]
  if (!isTenantTemplate(template)) return iss === template
  return isTenantId(tid) && iss === issuerOfTenant(template, tid)
}

/** Whether an identifier matches the template with any tenant. */
export function isIssuerOfSomeTenant(template: string, iss: string): boolean {
  const [before = ''] = template.split(TENANT_PLACEHOLDER)
  return isIssuerOfTenant(template, { iss, tid: iss.slice(before.length).split('/')[0] })
}

/** The issuer identifiers of a tenant's v1.0 and v2.0 tokens, in each of Microsoft's clouds. */
export const CLOUDS: readonly { readonly v1: string; readonly v2: string }[] = [
  {
    v1: `https://sts.windows.net/${TENANT_PLACEHOLDER}/`,
    v2: `https://login.microsoftonline.com/${TENANT_PLACEHOLDER}/v2.0`,
  },
  {
    v1: `https://sts.windows.net/${TENANT_PLACEHOLDER}/`,
    v2: `https://login.microsoftonline.us/${TENANT_PLACEHOLDER}/v2.0`,
  },
  {
    v1: `https://sts.chinacloudapi.cn/${TENANT_PLACEHOLDER}/`,
    v2: `https://login.partner.microsoftonline.cn/${TENANT_PLACEHOLDER}/v2.0`,
  },
]

/** Returns the template with one tenant in place of `{tenantid}`. */
export function issuerOfTenant(template: string, tenant: string): string {
  return template.replaceAll(TENANT_PLACEHOLDER, tenant)
}

/**
 * Checks that the key may sign for the issuer of the token. A key that names its issuer (the member
 * `issuer` of the JWK) signs for that issuer only; otherwise for the issuer of its key set. v1.0
 * tokens have another `iss` than the keys of their tenant.
 *
 * @returns an `InvalidTokenError` if the key is not for the token's issuer and tenant.
 */
export function checkKeyIssuer(keyIssuer: unknown, claims: Claims): Rejection | undefined {
  if (keyIssuer === undefined) return undefined
  if (typeof keyIssuer === 'string') {
    const tid = ownMember(claims, 'tid')
    if (isIssuerOfTenant(keyIssuer, claims)) return undefined
    const isSame = CLOUDS.some(
      ({ v1, v2 }) =>
        isIssuerOfTenant(v1, claims) &&
        isIssuerOfTenant(keyIssuer, { iss: issuerOfTenant(v2, `${tid}`), tid }),
    )
    if (isSame) return undefined
  }
  return new InvalidTokenError('The access token is signed with a key of another issuer', {
    check: 'key',
    expected: 'a key whose "issuer" names the issuer and the tenant of the token',
  })
}

/**
 * Checks `tid` against `iss`, so that applications may rely on `tid` as the tenant.
 *
 * @returns an `InvalidTokenError` if `tid` is present and differs from the tenant in `iss`.
 */
export function checkTenantOfIssuer(claims: Claims): Rejection | undefined {
  const [iss, tid] = [ownMember(claims, 'iss'), ownMember(claims, 'tid')]
  if (tid === undefined || (isTenantId(tid) && `${iss}`.includes(`/${tid}/`))) return undefined
  return new InvalidTokenError('The access token is from an issuer that is not trusted here', {
    check: 'issuer',
    expected: '"tid": the tenant that "iss" names',
  })
}
