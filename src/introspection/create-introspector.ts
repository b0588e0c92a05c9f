/** Puts an {@link Introspector} together. What speaks the protocol is loaded here, and not before. */
import type { ClientCredentials } from '../http/client-authentication.js'
import { Introspector, type IntrospectorOptions } from './introspector.js'
import type { SignedAnswerOptions } from './signed-answer.js'

export interface CreateIntrospectorOptions
  extends Omit<IntrospectorOptions, 'exchange'>,
    Pick<SignedAnswerOptions, 'verifySignature'> {
  readonly client: ClientCredentials
  /** The names of this API, which may stand in `aud` of a signed answer beside the client's id. */
  readonly audience: Iterable<string>
}

/** @throws {TypeError} if the client's key can't be used. */
export async function createIntrospector(
  options: CreateIntrospectorOptions,
): Promise<Introspector> {
  const {
    issuer,
    client,
    requireSignedResponse: signed,
    audience,
    verifySignature,
    now,
    fetch,
  } = options
  const { introspectionExchange } = await import('./exchange.js')
  const names = new Set([client.clientId, ...audience])
  const exchange = await introspectionExchange({
    issuer,
    client,
    fetch,
    signed: signed ? { issuer, names, verifySignature, now } : undefined,
  })
  return new Introspector({ ...options, exchange })
}
