/** Writes the options with which an API accepts the tokens of a server, as source code. */
import { httpUrl, isLoopback } from '../../http/secure-url.js'
import type { AuthorizationServer } from '../../testing/authorization-server/authorization-server.js'

export interface AppOptions {
  readonly issuer: string
  readonly audience: string | readonly string[]
  /** Absent for the profile `standard`, which is the default. */
  readonly profile?: string
  /** Set if the issuer is http on another host. */
  readonly dangerouslyAllowHttp?: true
}

/** @param profile the profile of the embedded server. */
export function appOptions(
  { issuer, audience }: Pick<AuthorizationServer, 'issuer' | 'audience'>,
  profile: string | undefined,
): AppOptions {
  const url = httpUrl(issuer) as URL
  const isStandard = profile === undefined || profile === 'standard'
  return {
    issuer,
    audience,
    // Both versions of Entra ID's tokens have the same profile in the plugin.
    ...(!isStandard && { profile: profile.replace(/^entra-v1$/, 'entra') }),
    ...(url.protocol === 'http:' && !isLoopback(url) && { dangerouslyAllowHttp: true as const }),
  }
}

export function appSource(options: AppOptions): string {
  const lines = Object.entries(options).map(([name, value]) => `  ${name}: ${literal(value)},`)
  return ['await app.register(resourceServer, {', ...lines, '})'].join('\n')
}

/** Returns the value as JavaScript, with single quotes. */
export function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (typeof value !== 'string') return `${value}`
  const escaped = JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")
  return `'${escaped}'`
}
