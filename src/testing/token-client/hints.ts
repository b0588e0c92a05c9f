const RATE_LIMITED =
  'The rate limit is reached: wait until the time in the Retry-After or X-Rate-Limit-Reset header, and fetch one token for a whole test run instead of one for each test.'

const MULTI_FACTOR =
  'A second factor is required, which this grant cannot provide: use a test user without an MFA policy.'

const DPOP =
  'The server requires DPoP-bound tokens for this client (at Okta: "Require Demonstrating Proof of Possession"): set "dpop" to a key of generateDPoPKey(). If "dpop" is set, compare the clocks of both machines, compare the URL of the token endpoint with the one in the server\'s metadata, and check whether the server accepts the algorithm of the key.'

/**
 * Hints, keyed by error code. The codes are those of RFC 6749 §5.2, and others that OpenID Connect,
 * DPoP, Okta, Auth0, Entra ID or Keycloak define.
 */
const HINTS: Readonly<Record<string, string>> = {
  invalid_grant:
    'Check username and password. If they are correct, the password may have expired, the account may be locked, MFA may be enabled for the user, or a sign-on policy may forbid signing in with a password alone. The request is not retried, because repeated failures lock accounts.',
  invalid_client:
    'Check clientId, clientSecret and clientAuthentication. A server that does not form-decode HTTP Basic credentials requires client_secret_basic_raw or client_secret_post.',
  access_denied:
    'No access policy rule of the authorization server matches the client, grant type, user and scope, or the user is not assigned to the application: add a rule, or assign the user.',
  unauthorized_client:
    'The password grant is not enabled for this client: turn on "Resource Owner Password" (Okta), the "Password" grant (Auth0) or "Direct access grants" (Keycloak). Keycloak also returns this code for a wrong client secret.',
  unsupported_grant_type:
    'The authorization server does not offer the password grant at this endpoint: check the issuer, and the grant types that its metadata lists.',
  invalid_scope:
    'A scope is unknown to the authorization server, not granted to this client, or missing where one is required: Okta requires at least "openid" or a custom scope.',
  invalid_request:
    'A parameter is missing, repeated or unexpected: check clientAuthentication, scope and parameters.',
  consent_required:
    'A scope needs the consent of the user, which this grant cannot request: grant it beforehand, or set the consent of the scope to implicit.',
  mfa_required: MULTI_FACTOR,
  interaction_required: MULTI_FACTOR,
  use_dpop_nonce: DPOP,
  invalid_dpop_proof: DPOP,
  temporarily_unavailable:
    'The authorization server is overloaded or under maintenance: try later.',
  server_error:
    'The authorization server failed: see its log. Auth0 returns this code if no default directory is set for the tenant.',
}

/** Whether the error code has a hint. Such a code is a constant, and needs no redaction. */
export function isKnownCode(error: string): boolean {
  return Object.hasOwn(HINTS, error)
}

/** Hints that differ from `HINTS` for the client credentials grant, which has no user. */
const CLIENT_HINTS: Readonly<Record<string, string>> = {
  invalid_grant: 'The authorization server issues no token to this client: see its log.',
  access_denied:
    'No access policy rule of the authorization server matches the client, grant type and scope: add a rule.',
  unauthorized_client:
    'The client credentials grant is not enabled for this client: turn on "Client Credentials" (Okta, Auth0) or the service account (Keycloak).',
  unsupported_grant_type:
    'The authorization server does not offer the client credentials grant at this endpoint: check the issuer, and the grant types that its metadata lists.',
  invalid_scope:
    'A scope is unknown to the authorization server, not granted to this client, or missing where one is required. The scopes of OpenID Connect, such as "openid", require a user; Entra ID requires "api://{API}/.default".',
}

/** The grant types whose error codes {@link hintFor} explains. */
export type ExplainedGrant = 'password' | 'client_credentials'

/**
 * Returns the recommended fix for an OAuth error code. If the HTTP status is 429, or the code has
 * no hint, the fix depends on the status instead.
 */
export function hintFor(error: string, status: number, grant: ExplainedGrant): string {
  if (status === 429) return RATE_LIMITED
  if (grant === 'client_credentials' && Object.hasOwn(CLIENT_HINTS, error)) {
    return CLIENT_HINTS[error] as string
  }
  if (isKnownCode(error)) return HINTS[error] as string
  if (status >= 500) {
    return 'The authorization server, or a proxy in front of it, failed: try later.'
  }
  return "Look up the error code in the authorization server's documentation, and the request in its log."
}
