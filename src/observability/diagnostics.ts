/**
 * What happens, told to whoever listens in this process (`node:diagnostics_channel`): for metrics,
 * traces and alerts. Where nobody listens, it costs the look that finds out.
 */
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { AccessToken } from '../access-token/access-token.js'
import type { ResourceServerError } from '../errors/errors.js'

/**
 * The messages by their channel's short name; the channel itself is `fastify-resource-server:` and
 * that name. Times are in milliseconds.
 */
export interface DiagnosticsMessages {
  /** A request, or a call of `verify()`, whose token is good and permits what was asked for. */
  'token:accept': {
    /** The same object as `request.auth`. */
    readonly token: AccessToken
    /** The request in a Fastify API; else what `verify()` was given. */
    readonly context: unknown
  }
  /** One that was refused; `error.reason` says why, in full. */
  'token:reject': {
    /** What the caller gets, without its `reason`. */
    readonly error: ResourceServerError
    /** As with `token:accept`. */
    readonly context: unknown
  }
  /** An attempt to fetch the keys of an issuer. */
  'jwks:fetch': {
    /** As it is configured, or named by a function as `issuer`. */
    readonly issuer: string
    /** Whether there is a new key set. */
    readonly outcome: 'fetched' | 'failed'
    /** Of the whole attempt, metadata included. */
    readonly durationMs: number
    /** How many the set has, where it was fetched. */
    readonly keyCount?: number
    /** Why not, where it failed. */
    readonly error?: unknown
    /** How long until another attempt, where it failed. */
    readonly retryInMs?: number
  }
  /** A question to an issuer about a token (RFC 7662); none is asked while an answer is remembered. */
  'introspection:response': {
    /** Who was asked. */
    readonly issuer: string
    /** `malformed`: an answer that doesn't say `active` with true or false. */
    readonly outcome: 'active' | 'inactive' | 'malformed' | 'failed'
    /** From the question to the end of the answer. */
    readonly durationMs: number
    /** Why there is no answer, where it failed. */
    readonly error?: unknown
  }
  /** A DPoP proof that was used before (RFC 9449 §11.1): a client's mistake, or a thief. */
  'dpop:replay': {
    /** The thumbprint of the key that the token is bound to. */
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
 * Listens to what all resource servers of this process do. The listener is called at once, on the way
 * of the request: what it throws is an uncaught exception, and what it waits for the request waits
 * for.
 *
 * ```ts
 * onDiagnostics('token:reject', ({ error }) => rejected.inc({ check: error.check }))
 * ```
 *
 * @returns a function that ends it.
 * @throws {TypeError} if there is no such channel.
 */
export function onDiagnostics<Name extends DiagnosticsName>(
  name: Name,
  listener: (message: DiagnosticsMessages[Name]) => void,
): () => void {
  if (!Object.hasOwn(diagnostics, name)) {
    throw new TypeError(
      `"${name}" is no channel; these are: ${Object.keys(diagnostics).join(', ')}`,
    )
  }
  const onMessage = (message: unknown) => listener(message as DiagnosticsMessages[Name])
  subscribe(`${PREFIX}${name}`, onMessage)
  return () => void unsubscribe(`${PREFIX}${name}`, onMessage)
}
