/**
 * Publishes events on diagnostics channels of this process (`node:diagnostics_channel`), for
 * metrics, traces and alerts. An event on a channel without subscribers is discarded.
 */
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { AccessToken } from '../access-token/access-token.js'
import type { ResourceServerError } from '../errors/resource-server-error.js'
import type { SecurityEvent } from './security-event.js'

/**
 * The message of each channel, keyed by the short name of the channel. The full name of a channel
 * is `fastify-resource-server:` followed by the short name.
 */
export interface DiagnosticsMessages {
  /** A request or a call of `verify()` was accepted: its token meets the requirement. */
  'token:accept': {
    /** The verified token: the same object as `request.auth`, or as the result of `verify()`. */
    readonly token: AccessToken
    /** The Fastify request; for a call of `verify()`, the `context` that the caller passed. */
    readonly context: unknown
  }
  /** A request or a call of `verify()` was rejected; `error.reason` has the details. */
  'token:reject': {
    /** The error that rejected the request or the call. Its `reason` is not sent to the client. */
    readonly error: ResourceServerError
    /** The Fastify request; for a call of `verify()`, the `context` that the caller passed. */
    readonly context: unknown
  }
  /** An attempt to fetch the keys of an issuer ended. */
  'jwks:fetch': {
    /** Issuer identifier, as configured or as passed to the function `issuer`. */
    readonly issuer: string
    /** `'fetched'` if the attempt returned a usable key set, otherwise `'failed'`. */
    readonly outcome: 'fetched' | 'failed'
    /** Duration of the whole attempt, in milliseconds, including the requests for metadata. */
    readonly durationMs: number
    /** Number of keys in the set. Absent if the attempt failed. */
    readonly keyCount?: number
    /** Cause of the failure. Absent if the attempt succeeded. */
    readonly error?: unknown
    /** Time before the next attempt may start, in milliseconds. Absent if the attempt succeeded. */
    readonly retryInMs?: number
  }
  /**
   * An introspection request (RFC 7662) ended; health probes are included. No message is published
   * when a cached response is used.
   */
  'introspection:response': {
    /** Issuer identifier. */
    readonly issuer: string
    /**
     * `'active'` or `'inactive'` if the member `active` of the response is true or false;
     * `'malformed'` if it is not a boolean; `'failed'` if the request failed, for example with a
     * timeout or an error status.
     */
    readonly outcome: 'active' | 'inactive' | 'malformed' | 'failed'
    /**
     * Duration of the request, in milliseconds, including the discovery of the endpoint. The time
     * that the request waited for a slot is not included.
     */
    readonly durationMs: number
    /** Cause of the failure. Absent unless `outcome` is `'failed'`. */
    readonly error?: unknown
  }
  /** A DPoP proof was replayed (RFC 9449 §11.1), by a faulty client or an attacker. */
  'dpop:replay': {
    /** Thumbprint (RFC 7638) of the key that signed the proof and that the token is bound to. */
    readonly jkt: string
  }
  /** A logout token was accepted: its revocation is in force. */
  'logout:accept': {
    /** Issuer identifier: the `iss` of the logout token. */
    readonly issuer: string
    /** Whether the tokens of one session or all tokens of the user were revoked. */
    readonly revoked: 'session' | 'user'
  }
  /** A logout token was rejected, or could not be processed; `error.reason` has the details. */
  'logout:reject': {
    /** The error; its `reason` is not sent to the issuer. */
    readonly error: ResourceServerError
  }
  /** A security event token was accepted; with `event.outcome` `revoked`, its revocation is in force. */
  'security-event:accept': {
    /** The event: the same object as the result of `receive()`. */
    readonly event: SecurityEvent
  }
  /** A security event token was rejected, or could not be processed; `error.reason` has the details. */
  'security-event:reject': {
    /** The error; its `reason` is not sent to the transmitter. */
    readonly error: ResourceServerError
    /** Identifier of the transmitter that the token names; `undefined` if it is none of a feed. */
    readonly issuer: string | undefined
  }
}

/** Channel name without the prefix `fastify-resource-server:`. */
export type DiagnosticsName = keyof DiagnosticsMessages

const PREFIX = 'fastify-resource-server:'

/** @internal */
export const diagnostics = {
  'token:accept': channel(`${PREFIX}token:accept`),
  'token:reject': channel(`${PREFIX}token:reject`),
  'jwks:fetch': channel(`${PREFIX}jwks:fetch`),
  'introspection:response': channel(`${PREFIX}introspection:response`),
  'dpop:replay': channel(`${PREFIX}dpop:replay`),
  'logout:accept': channel(`${PREFIX}logout:accept`),
  'logout:reject': channel(`${PREFIX}logout:reject`),
  'security-event:accept': channel(`${PREFIX}security-event:accept`),
  'security-event:reject': channel(`${PREFIX}security-event:reject`),
} as const satisfies Record<DiagnosticsName, unknown>

/** @internal */
export function publish<Name extends DiagnosticsName>(
  name: Name,
  message: DiagnosticsMessages[Name],
): void {
  diagnostics[name].publish(message)
}

/**
 * Subscribes to a channel, for the events of all resource servers of this process. The listener is
 * called synchronously, so that a request waits until the listener returns. An error that the
 * listener throws becomes an uncaught exception.
 *
 * @returns a function that unsubscribes the listener.
 * @throws {TypeError} if `name` is not the name of a channel; the message lists the names.
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
