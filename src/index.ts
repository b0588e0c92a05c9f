/**
 * An OAuth 2.0 resource server for Fastify. The default export is the plugin;
 * {@link createResourceServer} verifies tokens without Fastify.
 *
 * @module
 */

export type { AccessToken } from './access-token/access-token.js'
export type * from './access-token/access-token-claims.js'
export type { Actor } from './access-token/actor.js'
export type { AuthorizationDetail } from './access-token/authorization-details.js'
export type { SubjectKind } from './access-token/claim-reader.js'
export type { Confirmation } from './access-token/confirmation.js'
export type { ScopeImplications } from './access-token/scope-hierarchy.js'
export type {
  Algorithm,
  AsymmetricAlgorithm,
  SymmetricAlgorithm,
} from './base/algorithms.js'
export type {
  ForwardedCertificateOptions,
  MtlsOption,
  MtlsOptions,
} from './binding/certificate/options.js'
export type {
  DPoPNonceOptions,
  DPoPOption,
  DPoPOptions,
  DPoPReplayOptions,
} from './binding/dpop/options.js'
export type { BindingMode } from './binding/presentation.js'
export type { BindingRequirement } from './binding/requirement.js'
export type { RequestHeaders } from './credentials/authorization.js'
export { bearerToken } from './credentials/bearer.js'
export type { PresentedToken } from './credentials/presented-token.js'
export type { DecryptionKeyInput, KeyManagementAlgorithm } from './decryption/decryption-key.js'
export type { ContentEncryptionAlgorithm, DecryptionOptions } from './decryption/options.js'
export {
  type AuthenticationRequirements,
  DecryptionUnavailableError,
  InsufficientScopeError,
  InsufficientUserAuthenticationError,
  IntrospectionUnavailableError,
  InvalidDPoPProofError,
  InvalidRequestError,
  InvalidTokenError,
  KeysUnavailableError,
  MissingCredentialsError,
  StoreUnavailableError,
  UnavailableError,
  UseDPoPNonceError,
} from './errors/errors.js'
export type { Check, RejectionReason } from './errors/rejection-reason.js'
export { ResourceServerError, type ResponseHeaders } from './errors/resource-server-error.js'
export type {
  Fetch,
  FetchBody,
  FetchBodyReader,
  FetchChunk,
  FetchHeaders,
  FetchResponse,
} from './http/fetch.js'
export type { IntrospectionFetch, IntrospectionOptions } from './introspection/options.js'
export type { NoAudience } from './issuer/audience-option.js'
export type {
  IssuerResolution,
  IssuerResolver,
  TenantsOptions,
} from './issuer/issuers-option.js'
export type { IssuerOptions } from './issuer/options.js'
export type { Profile } from './issuer/providers/profile.js'
export type { ProfileName } from './issuer/providers/providers.js'
export { type FileKeyStoreOptions, fileKeyStore } from './keys/file-key-store.js'
export type { KeySetStatus } from './keys/key-source.js'
export type { KeyStore, StoredKeySet } from './keys/key-store.js'
export type { JwksOptions } from './keys/options.js'
export type { StaticKey } from './keys/static-key.js'
export {
  type DiagnosticsMessages,
  type DiagnosticsName,
  onDiagnostics,
} from './observability/diagnostics.js'
export type { Logger } from './observability/safe-logger.js'
export type { SecurityEvent } from './observability/security-event.js'
export type {
  LogoutTokenCounts,
  SecurityEventCounts,
  Statistics,
} from './observability/statistics.js'
export type { TokenCacheOptions } from './pipeline/options.js'
export type { BackchannelLogoutOptions } from './plugin/backchannel-logout.js'
export {
  type AnyFastifyInstance,
  type OpenApiTransformInput,
  type OpenApiTransformOutput,
  openapiTransform,
} from './plugin/openapi/transform.js'
export { default, default as resourceServer } from './plugin/plugin.js'
export type { PluginOptions } from './plugin/plugin-options.js'
export type { RejectionLogMode } from './plugin/rejection-log.js'
export type { RouteRequirement } from './plugin/route-guard.js'
export type {
  PushedSecurityEventFeed,
  SecurityEventPushOptions,
} from './plugin/security-event-push.js'
export type { ActorRequirement, ActorRule } from './policy/actor-requirement.js'
export type {
  AuthorizationDetailRule,
  AuthorizationDetailsRequirement,
} from './policy/authorization-details-requirement.js'
export type { ClaimRequirement } from './policy/claim-requirement.js'
export type { MembershipRequirement } from './policy/membership-requirement.js'
export type { Requirement } from './policy/requirement.js'
export type { AnyScopeRequirement, ScopeRequirement } from './policy/scope-requirement.js'
export type { StepUpRequirement } from './policy/step-up.js'
export type { RevocationsOptions } from './revocation/options.js'
export type { Revocation } from './revocation/revocations.js'
export type { EventEffect } from './security-events/event-types.js'
export type { SecurityEventFeedStatus } from './security-events/feed.js'
export type {
  ResolvedSubject,
  SecurityEventFeed,
  SubjectResolver,
} from './security-events/feed-options.js'
export type { Logout } from './security-events/logouts.js'
export type { LogoutTokenOptions } from './security-events/options.js'
export type { SecurityEventPollOptions } from './security-events/poll-options.js'
export type { SubjectIdentifier } from './security-events/subject-identifier.js'
export type { ResourceServerOptions } from './server/options.js'
export {
  type EnvironmentSource,
  type OptionsFromEnvironment,
  optionsFromEnvironment,
} from './server/options-from-environment.js'
export type { Readiness, ReadinessOptions, ReadinessReason } from './server/readiness.js'
export type { RefreshKeysOptions } from './server/refresh-keys.js'
export type { ProtectedResourceMetadata } from './server/resource-metadata.js'
export type { ResourceMetadataOptions } from './server/resource-metadata-option.js'
export { createResourceServer, type ResourceServer } from './server/resource-server.js'
export { type MemoryStoreOptions, memoryStore } from './stores/memory-store.js'
export type { StoreStatus } from './stores/observed-store.js'
export type { StoresOptions } from './stores/options.js'
export type {
  IoRedisClusterLike,
  IoRedisLike,
  NodeRedisClusterLike,
  NodeRedisLike,
  NodeRedisSentinelLike,
  RedisClient,
} from './stores/redis-client.js'
export { type RedisStoreOptions, redisStore } from './stores/redis-store.js'
export type {
  RevocationChanges,
  RevocationToStore,
  Store,
  StoredRevocation,
  Unsubscribe,
} from './stores/store.js'
