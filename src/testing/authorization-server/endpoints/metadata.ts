import { ASYMMETRIC_ALGORITHMS } from '../../../base/algorithms.js'
import { RESPONSE_MODES } from '../authorization/authorization-request.js'
import type { ServerSettings } from '../options.js'
import type { SigningKeys } from '../tokens/signing-keys.js'
import { GRANT_TYPES } from '../tokens/test-accounts.js'
import { TOKEN_PROFILES } from '../tokens/token-profiles.js'

/** The URLs of the server's endpoints. */
export interface Locations {
  issuer: string
  authorizationEndpoint: string
  registrationEndpoint: string
  tokenEndpoint: string
  introspectionEndpoint: string
  revocationEndpoint: string
  userInfoEndpoint: string
  endSessionEndpoint: string
  jwksUri: string
}

const CONFIDENTIAL_METHODS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt']

const CLAIMS = [
  'iss',
  'sub',
  'aud',
  'iat',
  'exp',
  'auth_time',
  'nonce',
  'email',
  'preferred_username',
  'sid',
]

/** Returns the server's metadata (RFC 8414 §2, OpenID Connect Discovery §3). */
export function metadata(
  locations: Locations,
  { scope, profile }: ServerSettings,
  keys: SigningKeys,
): object {
  return {
    issuer: locations.issuer,
    authorization_endpoint: locations.authorizationEndpoint,
    // RFC 7591 defines this member.
    registration_endpoint: locations.registrationEndpoint,
    token_endpoint: locations.tokenEndpoint,
    introspection_endpoint: locations.introspectionEndpoint,
    revocation_endpoint: locations.revocationEndpoint,
    userinfo_endpoint: locations.userInfoEndpoint,
    end_session_endpoint: locations.endSessionEndpoint,
    jwks_uri: locations.jwksUri,
    grant_types_supported: GRANT_TYPES,
    response_types_supported: ['code'],
    response_modes_supported: RESPONSE_MODES,
    code_challenge_methods_supported: ['S256'],
    // RFC 9207 §3 defines this member.
    authorization_response_iss_parameter_supported: true,
    prompt_values_supported: ['none', 'login', 'consent', 'select_account'],
    scopes_supported: scope,
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: keys.publishedAlgorithms,
    token_endpoint_auth_methods_supported: [...CONFIDENTIAL_METHODS, 'none'],
    token_endpoint_auth_signing_alg_values_supported: ASYMMETRIC_ALGORITHMS,
    introspection_endpoint_auth_methods_supported: CONFIDENTIAL_METHODS,
    introspection_endpoint_auth_signing_alg_values_supported: ASYMMETRIC_ALGORITHMS,
    // RFC 9701 §7 defines this member.
    introspection_signing_alg_values_supported: keys.publishedAlgorithms,
    revocation_endpoint_auth_methods_supported: [...CONFIDENTIAL_METHODS, 'none'],
    revocation_endpoint_auth_signing_alg_values_supported: ASYMMETRIC_ALGORITHMS,
    // RFC 9449 §5.1 defines this member.
    dpop_signing_alg_values_supported: ASYMMETRIC_ALGORITHMS,
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: TOKEN_PROFILES[profile].idTokenHasSessionId,
    claims_supported: CLAIMS,
  }
}
