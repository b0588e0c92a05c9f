/** What an address of Microsoft Entra ID as issuer means, in each of Microsoft's clouds. */
import { isTenantId } from '../providers/entra-tenant.js'

/** Where v2.0 tokens come from. */
const LOGIN = new Set([
  'login.microsoftonline.com',
  'login.microsoftonline.us',
  'login.partner.microsoftonline.cn',
])

/** Where v1.0 tokens come from. */
const SECURITY_TOKEN_SERVICE = new Set(['sts.windows.net', 'sts.chinacloudapi.cn'])

export function isEntraHost({ hostname }: URL): boolean {
  return LOGIN.has(hostname) || SECURITY_TOKEN_SERVICE.has(hostname)
}

export function entraMistake({ hostname, pathname }: URL, issuer: string): string | undefined {
  const tenant = (pathname.split('/')[1] as string).toLowerCase()
  if (isTenantId(tenant)) {
    const name = nameOf(hostname, tenant)
    return issuer === name
      ? undefined
      : `is not what Entra calls a tenant. Use ${mend(hostname, tenant)}`
  }
  return `names no tenant by its ID, as the tokens do. Use ${mend(hostname, '<tenant ID>')}`
}

/** What stands for every tenant in Entra's own metadata, under the addresses `common` and others. */
export function isEntraTemplate({ hostname }: URL, issuer: string): boolean {
  return issuer === nameOf(hostname, '{tenantid}')
}

function nameOf(hostname: string, tenant: string): string {
  return SECURITY_TOKEN_SERVICE.has(hostname)
    ? `https://${hostname}/${tenant}/`
    : `https://${hostname}/${tenant}/v2.0`
}

function mend(hostname: string, tenant: string): string {
  if (SECURITY_TOKEN_SERVICE.has(hostname)) return nameOf(hostname, tenant)
  const sts = hostname.endsWith('.cn') ? 'sts.chinacloudapi.cn' : 'sts.windows.net'
  const [v2, v1] = [nameOf(hostname, tenant), nameOf(sts, tenant)]
  return `${v2} for tokens whose "ver" is 2.0, ${v1} for those whose "ver" is 1.0`
}

/** The `aud` of a v2.0 token is always the client ID of the API. */
export function entraAudienceMistake(
  { hostname }: URL,
  audience: ReadonlySet<string>,
): string | undefined {
  if (!LOGIN.has(hostname) || [...audience].some(isTenantId)) return undefined
  return 'must hold the client ID of the API, a GUID: it is the "aud" of v2.0 tokens from Entra'
}
