/**
 * Checks the tenants of Microsoft Entra ID. One key set serves many tenants, and each key names the
 * issuer for which it may sign: `https://login.microsoftonline.com/{tenantid}/v2.0` for every
 * tenant, or the issuer of one tenant.
 */

import { ownMember } from '../../base/plain-object.js'
import { InvalidTokenError } from '../../errors/errors.js'
import type { Rejection } from '../../errors/result.js'
import { isTenantTemplate, TENANT_PLACEHOLDER } from '../../http/metadata.js'
import type { Claims } from '../../token/compact-jws.js'

/** Matches lower case only, because Entra's tokens contain tenant IDs in lower case. */
const GUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/

export function isTenantId(text: unknown): text is string {
  return typeof text === 'string' && GUID.test(text)
}

/**
 * Whether `iss` is the template with the token's tenant (`tid`) in place of `{tenantid}`. If the
 * template has no placeholder, whether `iss` equals it. Does not check whether the tenant is
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

/**
 * The issuer identifier of an external tenant (Entra External ID). The tenant ID is in its host
 * name too, so each external tenant has metadata and keys of its own, and no template is
 * configured.
 */
export const EXTERNAL_TENANT = `https://${TENANT_PLACEHOLDER}.ciamlogin.com/${TENANT_PLACEHOLDER}/v2.0`

/** Returns the template with one tenant in place of `{tenantid}`. */
export function issuerOfTenant(template: string, tenant: string): string {
  return template.replaceAll(TENANT_PLACEHOLDER, tenant)
}

/**
 * Checks that the key may sign for the issuer of the token. A key that names an issuer (the member
 * `issuer` of the JWK) may sign for that issuer only; any other key may sign for every issuer of
 * its key set. Keys name the v2.0 issuer, so a v1.0 token is also accepted if the key names the
 * v2.0 issuer of the token's tenant. For an external tenant, Microsoft does not document which host
 * name the keys contain, so only the tenant is compared.
 *
 * @returns an `InvalidTokenError` if the key names another issuer or tenant than the token;
 *   otherwise `undefined`.
 */
export function checkKeyIssuer(keyIssuer: unknown, claims: Claims): Rejection | undefined {
  if (keyIssuer === undefined) return undefined
  if (typeof keyIssuer === 'string') {
    const tid = ownMember(claims, 'tid')
    if (isIssuerOfTenant(keyIssuer, claims)) return undefined
    if (
      isIssuerOfTenant(EXTERNAL_TENANT, claims) &&
      issuerOfTenant(keyIssuer, `${tid}`).includes(`/${tid}/`)
    ) {
      return undefined
    }
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
 * Compares `tid` with `iss`, so that an application can rely on `tid` as the tenant.
 *
 * @returns an `InvalidTokenError` if `tid` is present and is not the tenant ID in `iss`; otherwise
 *   `undefined`.
 */
export function checkTenantOfIssuer(claims: Claims): Rejection | undefined {
  const [iss, tid] = [ownMember(claims, 'iss'), ownMember(claims, 'tid')]
  if (tid === undefined || (isTenantId(tid) && `${iss}`.includes(`/${tid}/`))) return undefined
  return new InvalidTokenError('The access token is from an issuer that is not trusted here', {
    check: 'issuer',
    expected: '"tid": the tenant that "iss" names',
  })
}
