import { auth0 } from '../profiles/auth0.js'
import { cognito } from '../profiles/cognito.js'
import { entra, entraV1 } from '../profiles/entra.js'
import { keycloak } from '../profiles/keycloak.js'
import { okta } from '../profiles/okta.js'
import { standard } from '../profiles/standard.js'
import type { TokenProfile } from './token-profile.js'

/**
 * The name of a token format: that of RFC 9068 (`standard`), Okta, Auth0, Microsoft Entra ID
 * version 2.0 (`entra`) or 1.0 (`entra-v1`), Amazon Cognito, or Keycloak.
 */
export type TokenProfileName =
  | 'standard'
  | 'okta'
  | 'auth0'
  | 'entra'
  | 'entra-v1'
  | 'cognito'
  | 'keycloak'

export const TOKEN_PROFILES: Readonly<Record<TokenProfileName, TokenProfile>> = {
  standard,
  okta,
  auth0,
  entra,
  'entra-v1': entraV1,
  cognito,
  keycloak,
}
