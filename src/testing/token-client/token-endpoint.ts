import {
  type AuthorizationServer,
  allowInsecureRequests,
  customFetch,
  discoveryRequest,
  processDiscoveryResponse,
} from 'oauth4webapi'
import { canParseUrl } from '../../base/can-parse-url.js'
import type { Redact } from '../../http/redaction.js'
import { isLoopback } from '../../http/secure-url.js'
import { type BoundedFetch, withoutQuery } from './bounded-fetch.js'
import { parseJsonObject } from './json-object.js'
import type { PreparedGrant } from './options.js'
import { PasswordGrantError } from './password-grant-error.js'
import { unusableResponse } from './unusable-response.js'

/** The values that all requests of one exchange share. */
export interface TokenExchange {
  fetch: BoundedFetch
  signal: AbortSignal
  redact: Redact
}

/** An authorization server whose token endpoint is known. */
export type LocatedServer = AuthorizationServer & { token_endpoint: string }

/**
 * Returns the authorization server with the URL of its token endpoint.
 *
 * If the caller gave an issuer, the URL comes from the issuer's metadata. The metadata is requested
 * first at the URL of OpenID Connect Discovery §4 (`{issuer}/.well-known/openid-configuration`)
 * and, if it is absent there, at the URL of RFC 8414 §3.1.
 *
 * @throws {PasswordGrantError} if the issuer is unreachable, or if its metadata is absent, invalid
 *   or without a usable token endpoint.
 */
export async function locate(
  location: PreparedGrant['location'],
  exchange: TokenExchange,
): Promise<LocatedServer> {
  if ('tokenEndpoint' in location) {
    const { href } = location.tokenEndpoint
    return { issuer: href, token_endpoint: href }
  }
  const metadata = await discover(location.issuer, exchange)
  return { ...metadata, token_endpoint: usableEndpoint(metadata, location.issuer, exchange.redact) }
}

async function discover(issuer: URL, { fetch, signal, redact }: TokenExchange) {
  let shownUrl = ''
  let last: Response | undefined
  for (const algorithm of ['oidc', 'oauth2'] as const) {
    last = await discoveryRequest(issuer, {
      algorithm,
      signal,
      [allowInsecureRequests]: issuer.protocol === 'http:',
      [customFetch]: (url, init) => {
        shownUrl = redact(withoutQuery(url))
        return fetch(url, init)
      },
    })
    if (isAbsent(last.status)) continue
    const text = await last.clone().text()
    try {
      return await processDiscoveryResponse(issuer, last)
    } catch (error) {
      const named = parseJsonObject(text)?.issuer
      if (last.status === 200 && typeof named === 'string') {
        throw new PasswordGrantError({
          error: 'invalid_response',
          status: 200,
          summary: `${shownUrl} names the issuer "${redact(named)}", and not "${redact(withoutQuery(issuer))}"`,
          hint: 'Set the issuer to the identifier that the metadata names, exactly, if you trust it.',
        })
      }
      const reason = (error as Error).message
      throw unusableResponse({ url: shownUrl, response: last, text, reason, redact })
    }
  }
  const { status } = last as Response
  throw new PasswordGrantError({
    error: 'invalid_response',
    status,
    summary: `No metadata for the issuer ${redact(withoutQuery(issuer))} (HTTP ${status} at ${shownUrl}, and no metadata at the other well-known URL)`,
    hint: 'Check the issuer: at Okta it is https://{domain}/oauth2/{authorization server id} (the id of the default server is "default"), or https://{domain} for the org authorization server. Or use "tokenEndpoint" instead of "issuer".',
  })
}

/** Whether the status says that there is no metadata. A 429 says only that the client must wait. */
function isAbsent(status: number): boolean {
  return status >= 400 && status < 500 && status !== 429
}

function usableEndpoint(metadata: AuthorizationServer, issuer: URL, redact: Redact): string {
  const endpoint = metadata.token_endpoint
  if (typeof endpoint === 'string' && canParseUrl(endpoint)) {
    const url = new URL(endpoint)
    // Prevents SSRF: a remote issuer must not direct this client to an http service on the client's
    // own machine.
    const mayBeHttp = issuer.protocol === 'http:' && isLoopback(url)
    if (url.protocol === 'https:' || (url.protocol === 'http:' && mayBeHttp)) return url.href
  }
  throw new PasswordGrantError({
    error: 'invalid_response',
    status: 200,
    summary: `The metadata of ${redact(withoutQuery(issuer))} has no usable token endpoint`,
    hint: 'It must be an absolute https URL, or http on a loopback address if the issuer uses http, too: fix the server\'s metadata, or use "tokenEndpoint" instead of "issuer".',
  })
}
