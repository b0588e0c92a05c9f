/**
 * Creates an {@link Introspector}. Loads oauth4webapi only when an introspector is created, so that
 * an API without introspection does not load it.
 */
import type { ClientCredentials } from '../http/client-authentication.js'
import { Introspector, type IntrospectorOptions } from './introspector.js'
import type { SignedResponseOptions } from './signed-response.js'

export interface CreateIntrospectorOptions
  extends Omit<IntrospectorOptions, 'send'>,
    Pick<SignedResponseOptions, 'verifySignature'> {
  readonly client: ClientCredentials
  /** Audiences of this API. A signed response must have one of them, or the client ID, in `aud`. */
  readonly audience: Iterable<string>
}

/** @throws {TypeError} if the private key of the client is unusable. */
export async function createIntrospector(
  options: CreateIntrospectorOptions,
): Promise<Introspector> {
  const { issuer, client, requireSignedResponse, audience, verifySignature, now, fetch } = options
  const { introspectionRequestSender } = await import('./introspection-request.js')
  const names = new Set([client.clientId, ...audience])
  const send = await introspectionRequestSender({
    issuer,
    client,
    fetch,
    signed: requireSignedResponse ? { issuer, names, verifySignature, now } : undefined,
  })
  return new Introspector({ ...options, send })
}
