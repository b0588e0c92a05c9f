import type { IncomingMessage } from 'node:http'
import { type Form, readForm } from '../http/form.js'
import type { HttpResponse } from '../http/http-response.js'
import { withErrorResponses } from '../http/oauth-error.js'
import type { TestClient } from '../tokens/test-accounts.js'

/** Authenticates the client of a request and returns it; see `authenticateClient`. */
export type Authenticate = (authorization: string | undefined, form: Form) => Promise<TestClient>

/** A request of an authenticated client. */
export interface ClientRequest {
  form: Form
  client: TestClient
  /** The `Accept` header; `undefined` if the request has none. */
  accept: string | undefined
  /** The values of all `DPoP` headers of the request. */
  dpopProofs: readonly string[]
}

/**
 * Returns the handler of an endpoint to which clients post a form and authenticate (RFC 6749 §3.2,
 * RFC 7662, RFC 7009). The error responses of the handler never contain values that the client
 * sent.
 */
export function formEndpoint(
  authenticate: Authenticate,
  handleForm: (request: ClientRequest) => Promise<HttpResponse>,
): (request: IncomingMessage) => Promise<HttpResponse> {
  return withErrorResponses(async (request) => {
    const form = await readForm(request)
    const { accept, authorization } = request.headers
    const { dpop: dpopProofs = [] } = request.headersDistinct
    const client = await authenticate(authorization, form)
    return handleForm({ form, client, accept, dpopProofs })
  })
}
