/** Defines and validates the options for polling a transmitter (RFC 8936). */
import { members, numberIn, reject } from '../base/check.js'
import { resolveEndpointOption } from '../http/secure-url.js'

/**
 * Options for polling a transmitter for security event tokens (RFC 8936).
 *
 * @example
 * ```ts
 * const poll = { url: 'https://login.example.com/ssf/poll', authorization: 'Bearer 6f0c' }
 * ```
 */
export interface SecurityEventPollOptions {
  /**
   * The `endpoint_url` of the stream at the transmitter: https, or http on loopback.
   */
  url: string

  /**
   * Value of the request header `Authorization`, such as `Bearer 6f0c…`, or a function that returns
   * it before each request. Default: none.
   */
  authorization?: string | (() => string | Promise<string>)

  /**
   * Minimum time between two requests without new events, in milliseconds. A transmitter that
   * supports long polling holds each request until there are events, so that they arrive at once.
   * After a response with events that are invalid, failed or not new, at most 1,000. Default 1,000;
   * 100 to 3,600,000.
   */
  interval?: number

  /** Maximum number of events in a response. Default 100; 1 to 1,000. */
  maxEvents?: number

  /**
   * Time limit of a request, in milliseconds. The request is repeated afterwards. Default 60,000;
   * 1,000 to 600,000.
   */
  timeout?: number
}

/** Validated {@link SecurityEventPollOptions} with all defaults. */
export interface ResolvedPoll extends Required<Omit<SecurityEventPollOptions, 'authorization'>> {
  readonly authorization: SecurityEventPollOptions['authorization']
}

/** @throws {TypeError} if an option is invalid; the message names the option and the fix. */
export function resolvePoll(
  given: SecurityEventPollOptions | undefined,
  allowHttp: boolean,
): ResolvedPoll | undefined {
  if (given === undefined) return undefined
  const { url, authorization, interval, maxEvents, timeout } = members(
    'poll',
    given,
    ['url', 'authorization', 'interval', 'maxEvents', 'timeout'],
    'must be an object with url',
  )
  if (authorization !== undefined && typeof authorization !== 'function') {
    requireHeaderValue(authorization)
  }
  const milliseconds = { unit: 'milliseconds' }
  return Object.freeze({
    url:
      resolveEndpointOption('poll.url', url, allowHttp) ??
      reject('poll.url', 'must be the endpoint_url of the stream, an https URL'),
    authorization,
    interval: numberIn('poll.interval', interval ?? 1_000, {
      ...milliseconds,
      minimum: 100,
      maximum: 3_600_000,
    }),
    maxEvents: numberIn('poll.maxEvents', maxEvents ?? 100, {
      unit: 'events',
      minimum: 1,
      maximum: 1_000,
    }),
    timeout: numberIn('poll.timeout', timeout ?? 60_000, {
      ...milliseconds,
      minimum: 1_000,
      maximum: 600_000,
    }),
  })
}

/** Returns the value. @throws {TypeError} if it cannot be sent as a header. */
export function requireHeaderValue(value: unknown): string {
  if (typeof value === 'string' && /^[!-~](?:[ -~]*[!-~])?$/.test(value)) return value
  return reject(
    'poll.authorization',
    'must be the value of the header Authorization, or a function that returns it: printable ASCII',
  )
}
