const RATE_LIMITED =
  'The rate limit is reached: wait (see Retry-After or X-Rate-Limit-Reset), and fetch one token for a whole test run instead of one for each test.'

const MULTI_FACTOR =
  'A second factor is required, which this grant cannot provide: use a test user without an MFA policy.'

const DPOP =
  'The server requires DPoP-bound tokens for this client (at Okta: "Require Demonstrating Proof of Possession"): set "dpop" to a key of generateDPoPKey(). If it is set, compare the clocks, the URL under which the server knows its token endpoint, and the algorithms that it accepts.'

/** Error codes of RFC 6749 §5.2, and those that Okta, Auth0, Entra ID and Keycloak add. */
const HINTS: Readonly<Record<string, string>> = {
  invalid_grant:
    'Check username and password; the password may have expired or the account be locked, MFA may be enabled for the user, or a sign-on policy may forbid signing in with a password alone. The request is not retried, because repeated failures lock accounts.',
  invalid_client:
    'Check clientId and clientSecret and how the client authenticates ("clientAuthentication"); a server that does not form-decode HTTP Basic credentials requires client_secret_basic_raw or client_secret_post.',
  access_denied:
    'No access policy rule of the authorization server matches (client, grant type, user, scope), or the user is not assigned to the application.',
  unauthorized_client:
    'The password grant is not enabled for this client: turn on "Resource Owner Password" (Okta), the "Password" grant (Auth0) or "Direct access grants" (Keycloak). Keycloak returns this code for a wrong client secret, too.',
  unsupported_grant_type:
    'The authorization server does not offer the password grant at all, or not at this endpoint: check the issuer, and the grants that its metadata lists.',
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
    'The authorization server failed: see its log. Auth0 returns this if no default directory is set for the tenant.',
}

/** Whether a code is listed above, and therefore cannot be an echoed credential. */
export function isKnownCode(error: string): boolean {
  return Object.hasOwn(HINTS, error)
}

/** Hints that differ for the client credentials grant, which has no user. */
const CLIENT_HINTS: Readonly<Record<string, string>> = {
  invalid_grant: 'The authorization server issues no token to this client: see its log.',
  access_denied:
    'No access policy rule of the authorization server matches (client, grant type, scope).',
  unauthorized_client:
    'The client credentials grant is not enabled for this client: turn on "Client Credentials" (Okta, Auth0) or the service account (Keycloak).',
  unsupported_grant_type:
    'The authorization server does not offer the client credentials grant at all, or not at this endpoint: check the issuer, and the grants that its metadata lists.',
  invalid_scope:
    'A scope is unknown to the authorization server, not granted to this client, or missing where one is required. Those of OpenID Connect, such as "openid", are for users; Entra ID requires "api://{API}/.default".',
}

/** The grants whose errors have hints. */
export type ExplainedGrant = 'password' | 'client_credentials'

/** Returns the fix for an OAuth error code, or for the status if it says more. */
export function hintFor(error: string, status: number, grant: ExplainedGrant): string {
  if (status === 429) return RATE_LIMITED
  if (grant === 'client_credentials' && Object.hasOwn(CLIENT_HINTS, error)) {
    return CLIENT_HINTS[error] as string
  }
  if (isKnownCode(error)) return HINTS[error] as string
  if (status >= 500) return 'The authorization server failed, or a proxy before it: try later.'
  return "Look the code up in the authorization server's documentation, and the attempt in its log."
}
