export type { AsymmetricAlgorithm } from '../base/algorithms.js'
export type { KeyManagementAlgorithm } from '../decryption/decryption-key.js'
export type { ContentEncryptionAlgorithm } from '../decryption/options.js'
export type { ClientAuthentication } from '../http/client-authentication.js'
export type {
  AuthorizationServer,
  RequestCounts,
} from './authorization-server/authorization-server.js'
export { createAuthorizationServer } from './authorization-server/create-authorization-server.js'
export type {
  IntrospectionAnswerOptions,
  IntrospectionOverride,
} from './authorization-server/endpoints/introspection-override.js'
export type { IntrospectionMembers } from './authorization-server/endpoints/introspection-response.js'
export type { MoveOptions } from './authorization-server/endpoints/key-set-location.js'
export type {
  DelayFault,
  Fault,
  FaultName,
  RedirectFault,
  SlowBodyFault,
  StatusFault,
} from './authorization-server/faults/fault.js'
export type { EndpointName } from './authorization-server/http/router.js'
export type {
  AccessTokenFormat,
  AuthorizationServerOptions,
} from './authorization-server/options.js'
export type { SecurityEventMethods } from './authorization-server/security-events/security-event-methods.js'
export type { TestSecurityEvent } from './authorization-server/security-events/security-event-tokens.js'
export type { SentSecurityEvent } from './authorization-server/security-events/streams.js'
export type {
  SentLogoutToken,
  SessionSelector,
} from './authorization-server/sessions/session-control.js'
export type { SessionMethods } from './authorization-server/sessions/session-methods.js'
export type { EventTokenOptions } from './authorization-server/tokens/event-token-options.js'
export type {
  ClaimOverrides,
  IssueTokenOptions,
} from './authorization-server/tokens/issue-token-options.js'
export type {
  HeaderOverrides,
  RotationOptions,
  SigningAlgorithm,
} from './authorization-server/tokens/signing-keys.js'
export {
  type GrantType,
  type TestClient,
  type TestUser,
  testClient,
  testUser,
} from './authorization-server/tokens/test-accounts.js'
export type { TokenConfirmation } from './authorization-server/tokens/token-confirmation.js'
export type { TokenEncryption } from './authorization-server/tokens/token-encryption.js'
export type { TokenProfileName } from './authorization-server/tokens/token-profiles.js'
export { type DPoPFetchOptions, dpopFetch } from './dpop/dpop-fetch.js'
export { type DPoPKey, generateDPoPKey } from './dpop/dpop-key.js'
export { type DPoPProofOptions, dpopProof } from './dpop/dpop-proof.js'
export type { Scope } from './scope-values.js'
export type {
  EmbeddedIssuerOptions,
  InjectableApp,
  TestApi,
  TestCaller,
  TestUserClaims,
} from './test-api/test-api.js'
export { testApi } from './test-api/test-api.js'
export type { PasswordGrantOptions } from './token-client/options.js'
export { passwordGrant } from './token-client/password-grant.js'
export { PasswordGrantError } from './token-client/password-grant-error.js'
export type { TokenResponse } from './token-client/token-response.js'
