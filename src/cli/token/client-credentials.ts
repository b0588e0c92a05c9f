/** Gets a token by the client credentials grant (RFC 6749 §4.4). */
import {
  allowInsecureRequests,
  clientCredentialsGrantRequest,
  customFetch,
  processClientCredentialsResponse,
} from 'oauth4webapi'
import { type ClientCredentials, clientAuthentication } from '../../http/client-authentication.js'
import { redactor } from '../../http/redaction.js'
import { boundedFetch, withoutQuery } from '../../testing/token-client/bounded-fetch.js'
import { withDeadline } from '../../testing/token-client/deadline.js'
import { type PasswordGrantOptions, readLocation } from '../../testing/token-client/options.js'
import { timedOut } from '../../testing/token-client/password-grant.js'
import { locate, type TokenExchange } from '../../testing/token-client/token-endpoint.js'
import type { TokenResponse } from '../../testing/token-client/token-response.js'
import { unusableResponse } from '../../testing/token-client/unusable-response.js'

export interface ClientCredentialsOptions
  extends ClientCredentials,
    Pick<PasswordGrantOptions, 'issuer' | 'tokenEndpoint'> {
  /** Request parameters in addition to `grant_type` and the client's authentication. */
  readonly parameters: Readonly<Record<string, string>>
  /** Timeout of the whole exchange, in milliseconds; 1 to 2,147,483,647. */
  readonly timeout: number
}

/**
 * Returns the token response.
 *
 * @throws {TypeError} if an option is invalid.
 * @throws {PasswordGrantError} if the server issues no token. The class is named after the password
 *   grant, but this grant uses it too, because both grants fail in the same ways.
 */
export async function clientCredentials(options: ClientCredentialsOptions): Promise<TokenResponse> {
  const { clientId, clientSecret, parameters, timeout } = options
  const location = readLocation(options)
  const authentication = await clientAuthentication(options)
  const redact = redactor(clientSecret === undefined ? [] : [clientSecret], clientId)
  const late = () => timedOut({ location, timeout, redact })
  return withDeadline({ timeout, signal: undefined, createTimeoutError: late }, async (signal) => {
    const exchange: TokenExchange = {
      fetch: boundedFetch(globalThis.fetch, redact),
      signal,
      redact,
    }
    const server = await locate(location, exchange)
    const client = { client_id: clientId }
    const response = await clientCredentialsGrantRequest(
      server,
      client,
      authentication,
      new URLSearchParams(parameters),
      {
        signal,
        [allowInsecureRequests]: server.token_endpoint.startsWith('http:'),
        [customFetch]: exchange.fetch,
      },
    )
    const text = await response.clone().text()
    try {
      return await processClientCredentialsResponse(server, client, response)
    } catch (error) {
      const place = redact(withoutQuery(server.token_endpoint))
      const reason = (error as Error).message
      throw unusableResponse({
        url: place,
        response,
        text,
        reason,
        redact,
        grant: 'client_credentials',
      })
    }
  })
}
