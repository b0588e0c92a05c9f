/** Creates an {@link Introspector}. The protocol modules (oauth4webapi) are loaded lazily, here. */
import type { ClientCredentials } from '../http/client-authentication.js'
import { Introspector, type IntrospectorOptions } from './introspector.js'
import type { SignedResponseOptions } from './signed-response.js'

export interface CreateIntrospectorOptions
  extends Omit<IntrospectorOptions, 'exchange'>,
    Pick<SignedResponseOptions, 'verifySignature'> {
  readonly client: ClientCredentials
  /** Audiences of this API. The `aud` of a signed response contains one of them or the client id. */
  readonly audience: Iterable<string>
}

/** @throws {TypeError} if the client's key is unusable. */
export async function createIntrospector(
  options: CreateIntrospectorOptions,
): Promise<Introspector> {
  const { issuer, client, requireSignedResponse, audience, verifySignature, now, fetch } = options
  const { introspectionExchange } = await import('./exchange.js')
  const names = new Set([client.clientId, ...audience])
  const exchange = await introspectionExchange({
    issuer,
    client,
    fetch,
    signed: requireSignedResponse ? { issuer, names, verifySignature, now } : undefined,
  })
  return new Introspector({ ...options, exchange })
}
