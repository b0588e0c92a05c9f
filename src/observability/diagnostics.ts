/**
 * Publishes events to the subscribers of this process (`node:diagnostics_channel`), for metrics,
 * traces and alerts. Without subscribers, it costs one check per event.
 */
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { AccessToken } from '../access-token/access-token.js'
import type { ResourceServerError } from '../errors/errors.js'

/**
 * The messages by the short name of their channel, whose full name is `fastify-resource-server:`
 * and the short name. Durations are in milliseconds.
 */
export interface DiagnosticsMessages {
  /** A request or a call of `verify()` was accepted: its token is valid and sufficient. */
  'token:accept': {
    /** The same object as `request.auth`. */
    readonly token: AccessToken
    /** The request in a Fastify API; otherwise the `context` passed to `verify()`. */
    readonly context: unknown
  }
  /** A request or a call of `verify()` was rejected; `error.reason` has the details. */
  'token:reject': {
    /** The error of the response; its `reason` is not sent to the client. */
    readonly error: ResourceServerError
    /** Same as with `token:accept`. */
    readonly context: unknown
  }
  /** An attempt to fetch the keys of an issuer. */
  'jwks:fetch': {
    /** Issuer identifier, as configured or as passed to the function `issuer`. */
    readonly issuer: string
    /** Whether a key set was fetched. */
    readonly outcome: 'fetched' | 'failed'
    /** Duration of the whole attempt, including metadata, in milliseconds. */
    readonly durationMs: number
    /** Number of keys in the set, if it was fetched. */
    readonly keyCount?: number
    /** Cause of the failure, if it failed. */
    readonly error?: unknown
    /** Delay until the next attempt, in milliseconds, if it failed. */
    readonly retryInMs?: number
  }
  /** A token was introspected (RFC 7662); no message is sent for a cached response. */
  'introspection:response': {
    /** Issuer identifier. */
    readonly issuer: string
    /** `malformed`: the response lacks `active` as a boolean. */
    readonly outcome: 'active' | 'inactive' | 'malformed' | 'failed'
    /** Time from the request to the end of the response, in milliseconds. */
    readonly durationMs: number
    /** Cause of the failure, if there is no response. */
    readonly error?: unknown
  }
  /** A DPoP proof was replayed (RFC 9449 §11.1), by a faulty client or an attacker. */
  'dpop:replay': {
    /** Thumbprint of the key that the token is bound to (RFC 7638). */
    readonly jkt: string
  }
}

/** The short name of a channel. */
export type DiagnosticsName = keyof DiagnosticsMessages

const PREFIX = 'fastify-resource-server:'

/** @internal */
export const diagnostics = {
  'token:accept': channel(`${PREFIX}token:accept`),
  'token:reject': channel(`${PREFIX}token:reject`),
  'jwks:fetch': channel(`${PREFIX}jwks:fetch`),
  'introspection:response': channel(`${PREFIX}introspection:response`),
  'dpop:replay': channel(`${PREFIX}dpop:replay`),
} as const satisfies Record<DiagnosticsName, unknown>

/** @internal */
export function publish<Name extends DiagnosticsName>(
  name: Name,
  message: DiagnosticsMessages[Name],
): void {
  diagnostics[name].publish(message)
}

/**
 * Subscribes to the events of all resource servers of this process. The listener is called
 * synchronously during the request: it delays the request by its run time, and what it throws is an
 * uncaught exception.
 *
 * @returns a function that unsubscribes the listener.
 * @throws {TypeError} if there is no such channel.
 *
 * @example
 * ```ts
 * onDiagnostics('token:reject', ({ error }) => rejected.inc({ check: error.check }))
 * ```
 */
export function onDiagnostics<Name extends DiagnosticsName>(
  name: Name,
  listener: (message: DiagnosticsMessages[Name]) => void,
): () => void {
  if (!Object.hasOwn(diagnostics, name)) {
    throw new TypeError(
      `Unknown diagnostics channel "${name}". Channels: ${Object.keys(diagnostics).join(', ')}`,
    )
  }
  const onMessage = (message: unknown) => listener(message as DiagnosticsMessages[Name])
  subscribe(`${PREFIX}${name}`, onMessage)
  return () => void unsubscribe(`${PREFIX}${name}`, onMessage)
}
