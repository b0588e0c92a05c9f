export type { AsymmetricAlgorithm } from '../base/algorithms.js'
export type { ClientAuthentication } from '../http/client-authentication.js'
export type {
  AuthorizationServer,
  RequestCounts,
} from './authorization-server/authorization-server.js'
export { createAuthorizationServer } from './authorization-server/create-authorization-server.js'
export type {
  DrippingFault,
  Fault,
  FaultName,
  RedirectFault,
  SlowFault,
  StatusFault,
} from './authorization-server/fault.js'
export type {
  IntrospectionAnswerOptions,
  IntrospectionOverride,
} from './authorization-server/introspection-override.js'
export type { IntrospectionMembers } from './authorization-server/introspection-response.js'
export type {
  ClaimOverrides,
  IssueTokenOptions,
} from './authorization-server/issue-token-options.js'
export type { MoveOptions } from './authorization-server/key-set-location.js'
export type {
  AccessTokenFormat,
  AuthorizationServerOptions,
} from './authorization-server/options.js'
export type { EndpointName } from './authorization-server/router.js'
export type {
  HeaderOverrides,
  RotationOptions,
  SigningAlgorithm,
} from './authorization-server/signing-keys.js'
export {
  demoClient,
  demoUser,
  type GrantType,
  type TestClient,
  type TestUser,
} from './authorization-server/test-accounts.js'
export type { TokenConfirmation } from './authorization-server/token-confirmation.js'
export type { TokenProfileName } from './authorization-server/token-profiles.js'
export { type DPoPFetchOptions, dpopFetch } from './dpop/dpop-fetch.js'
export { type DPoPKey, generateDPoPKey } from './dpop/dpop-key.js'
export { type DPoPProofOptions, dpopProof } from './dpop/dpop-proof.js'
export type { PasswordGrantOptions } from './password-grant/options.js'
export { passwordGrant } from './password-grant/password-grant.js'
export { PasswordGrantError } from './password-grant/password-grant-error.js'
export type { TokenResponse } from './password-grant/token-response.js'
export type { Scope } from './scope-values.js'
