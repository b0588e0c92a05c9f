/** Validates authorization requests (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1). */
import { isPublic } from '../endpoints/client-authentication.js'
import { mayUse } from '../endpoints/grant-policy.js'
import { requestedResource } from '../endpoints/resource-indicator.js'
import { type Form, requireParameter } from '../http/form.js'
import { OAuthError } from '../http/oauth-error.js'
import type { Clients } from '../registration/clients.js'
import { requireOfferedScope } from '../tokens/granted-scope.js'
import type { TestClient } from '../tokens/test-accounts.js'
import { matchesRedirectUri } from './redirect-uris.js'

/** Limits what the server stores for a code. */
const MAX_LENGTH = 8_000
/** OAuth 2.0 Multiple Response Types §2.1: where the redirect URI contains the parameters. */
export const RESPONSE_MODES = ['query', 'fragment']
const PROMPTS = ['none', 'login', 'consent', 'select_account']
/** SHA-256 in base64url: a code challenge, or the thumbprint of a key. */
const SHA256 = /^[\w-]{43}$/

/** Where the response to an authorization request may go. */
export interface ResponseTarget {
  client: TestClient
  redirectUri: string
  state: string | undefined
  /** Whether the response is in the fragment of the redirect URI, not in its query. */
  inFragment: boolean
}

/** A valid authorization request. */
export interface AuthorizationRequest extends ResponseTarget {
  /** The requested scope; `undefined` if the client requested none. */
  scope: string | undefined
  resource: string | undefined
  nonce: string | undefined
  codeChallenge: string | undefined
  dpopJkt: string | undefined
  prompt: readonly string[]
  /** Maximum time since the login, in seconds; Infinity if the client set none. */
  maxAge: number
  loginHint: string | undefined
  /** The parameters, form-encoded. */
  query: string
}

/**
 * Returns the client and the redirect URI of a request.
 *
 * @throws {OAuthError} if the response must not be sent to the client: it or its redirect URI is
 *   unknown (RFC 6749 §4.1.2.1)
 */
export function responseTarget(form: Form, clients: Clients): ResponseTarget {
  const client = clients.find(requireParameter(form, 'client_id'))
  if (client === undefined) {
    throw new OAuthError('invalid_request', 'The client_id is unknown to this server.')
  }
  const redirectUri = requireParameter(form, 'redirect_uri')
  const registered = client.redirectUris ?? []
  if (!registered.some((uri) => matchesRedirectUri(uri, redirectUri))) {
    throw new OAuthError('invalid_request', 'The redirect_uri is not registered for the client.')
  }
  if (queryOf(form).length > MAX_LENGTH) {
    throw new OAuthError('invalid_request', `The request is longer than ${MAX_LENGTH} characters.`)
  }
  const inFragment = form.get('response_mode') === 'fragment'
  return { client, redirectUri, state: form.get('state'), inFragment }
}

/**
 * Returns the request of a known client.
 *
 * @throws {OAuthError} with an error code of RFC 6749 §4.1.2.1, RFC 8707 §2 or OpenID Connect Core
 *   §3.1.2.6, for a response to the client
 */
export function authorizationRequest(
  form: Form,
  target: ResponseTarget,
  offered: readonly string[],
): AuthorizationRequest {
  requireSupported(form, target.client)
  const scope = form.get('scope')
  requireOfferedScope(scope, offered)
  return {
    ...target,
    scope,
    resource: requestedResource(form),
    nonce: form.get('nonce'),
    codeChallenge: codeChallenge(form, target.client),
    dpopJkt: dpopJkt(form),
    prompt: prompts(form),
    maxAge: maxAge(form),
    loginHint: form.get('login_hint'),
    query: queryOf(form),
  }
}

export function queryOf(form: Form): string {
  return new URLSearchParams([...form]).toString()
}

function requireSupported(form: Form, client: TestClient): void {
  // OpenID Connect Core §3.1.2.6 defines these errors.
  if (form.has('request')) throw new OAuthError('request_not_supported', 'Omit request.')
  if (form.has('request_uri')) {
    throw new OAuthError('request_uri_not_supported', 'Omit request_uri.')
  }
  if (requireParameter(form, 'response_type') !== 'code') {
    throw new OAuthError('unsupported_response_type', 'The response_type must be code.')
  }
  if (!RESPONSE_MODES.includes(form.get('response_mode') ?? 'query')) {
    throw new OAuthError('invalid_request', 'The response_mode must be query or fragment.')
  }
  if (!mayUse(client, 'authorization_code')) {
    throw new OAuthError('unauthorized_client', 'The client may not use authorization codes.')
  }
}

/** RFC 7636 §4.3: without `code_challenge_method`, the method is `plain`, which is not accepted. */
function codeChallenge(form: Form, client: TestClient): string | undefined {
  const challenge = form.get('code_challenge')
  const method = form.get('code_challenge_method')
  if (challenge === undefined && method === undefined && !isPublic(client)) return undefined
  if (challenge !== undefined && method === 'S256' && SHA256.test(challenge)) return challenge
  throw new OAuthError(
    'invalid_request',
    challenge === undefined
      ? 'The code_challenge is missing: a public client must use PKCE.'
      : 'The code_challenge must be a SHA-256 hash in base64url, and code_challenge_method S256.',
  )
}

/** RFC 9449 §10. */
function dpopJkt(form: Form): string | undefined {
  const jkt = form.get('dpop_jkt')
  if (jkt === undefined || SHA256.test(jkt)) return jkt
  throw new OAuthError('invalid_request', 'The dpop_jkt must be a SHA-256 thumbprint.')
}

function prompts(form: Form): readonly string[] {
  const values = form.get('prompt')?.split(' ').filter(Boolean) ?? []
  const isAlone = values.length === 1 || !values.includes('none')
  if (isAlone && values.every((value) => PROMPTS.includes(value))) return values
  throw new OAuthError(
    'invalid_request',
    `The prompt must be of ${PROMPTS.join(', ')}, and none must be alone.`,
  )
}

function maxAge(form: Form): number {
  const value = form.get('max_age')
  if (value === undefined) return Number.POSITIVE_INFINITY
  if (/^\d{1,10}$/.test(value)) return Number(value)
  throw new OAuthError('invalid_request', 'The max_age must be a number of seconds.')
}
