import type { Form } from '../http/form.js'
import { OAuthError } from '../http/oauth-error.js'
import type { Clients } from '../registration/clients.js'
import type { TestClient } from '../tokens/test-accounts.js'
import type { ClientAssertions } from './client-assertion.js'
import { secretsEqual } from './secret-comparison.js'

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/**
 * Authenticates the client of a request (RFC 6749 §2.3) and returns it. A client authenticates with
 * HTTP Basic, a secret in the body, or a signed assertion; a public client sends only its id.
 *
 * @throws {OAuthError} `invalid_request` if the client uses more than one method, `invalid_client`
 *   if the client is unknown or its authentication fails
 */
export async function authenticateClient(
  authorization: string | undefined,
  form: Form,
  clients: Clients,
  assertions: ClientAssertions,
): Promise<TestClient> {
  const assertion = form.get('client_assertion')
  const secret = form.get('client_secret')
  if ([authorization, assertion, secret].filter((method) => method !== undefined).length > 1) {
    throw new OAuthError('invalid_request', 'The client uses more than one authentication method.')
  }
  const client =
    authorization !== undefined
      ? bySecret(clients, basicCredentials(authorization))
      : assertion !== undefined
        ? await byAssertion(assertions, assertion, form)
        : secret !== undefined
          ? bySecret(clients, [form.get('client_id'), secret])
          : byIdAlone(clients, form.get('client_id'))
  const statedId = form.get('client_id')
  if (client === undefined || (statedId !== undefined && statedId !== client.clientId)) {
    throw invalidClient(authorization !== undefined)
  }
  return client
}

type Credentials = readonly [clientId: string | undefined, secret: string]

/** Returns the credentials of an HTTP Basic header; `undefined` if the header is malformed. */
function basicCredentials(authorization: string): Credentials | undefined {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization)?.[1]
  if (encoded === undefined) return undefined
  const pair = Buffer.from(encoded, 'base64').toString('utf8')
  // @okta/okta-auth-js sends the id of a public client without a colon.
  const [, id, secret = ''] = /^([^:]*):?(.*)$/s.exec(pair) as RegExpExecArray
  try {
    return [formDecode(id as string), formDecode(secret)]
  } catch {
    return undefined
  }
}

/**
 * Returns the decoded value of a form-encoded text (RFC 6749 §2.3.1, appendix B).
 *
 * @throws {URIError} if the text is malformed.
 */
function formDecode(value: string): string {
  return decodeURIComponent(value.replaceAll('+', ' '))
}

function bySecret(clients: Clients, credentials: Credentials | undefined) {
  if (credentials === undefined) return undefined
  const [id, secret] = credentials
  // An empty secret equals an omitted one (RFC 6749 §2.3.1).
  if (secret === '') return byIdAlone(clients, id)
  const client = clients.find(id)
  if (client?.clientSecret === undefined) return undefined
  return secretsEqual(secret, client.clientSecret) ? client : undefined
}

async function byAssertion(assertions: ClientAssertions, assertion: string, form: Form) {
  if (form.get('client_assertion_type') !== ASSERTION_TYPE) return undefined
  return assertions.verify(assertion)
}

function byIdAlone(clients: Clients, id: string | undefined) {
  const client = clients.find(id)
  return client && isPublic(client) ? client : undefined
}

/** Whether a client has no credentials (RFC 6749 §2.1). */
export function isPublic({ clientSecret, jwks }: TestClient): boolean {
  return clientSecret === undefined && jwks === undefined
}

/**
 * Returns the error `invalid_client`.
 *
 * @param challenged whether the response has a `WWW-Authenticate` header. RFC 6749 §5.2 requires it
 *   if the client used the `Authorization` header.
 */
export function invalidClient(challenged: boolean): OAuthError {
  return new OAuthError('invalid_client', 'The client is unknown, or its authentication failed.', {
    status: 401,
    headers: challenged ? { 'www-authenticate': 'Basic realm="token", charset="UTF-8"' } : {},
  })
}
