/**
 * Determines the URL of a request for DPoP (RFC 9449 §4.3, check 9): from the configuration, from
 * the headers of a trusted proxy, or on loopback from the connection. The URL is never derived from
 * the caller's `Host`: otherwise a malicious server could replay at this API a proof that a client
 * made for that server.
 */

import type { FastifyRequest } from 'fastify'
import { canParseUrl } from '../base/can-parse-url.js'
import { ownMember } from '../base/plain-object.js'
import { applicationFailure } from '../errors/application-function.js'
import { isLoopback } from '../http/secure-url.js'
import type { WarnOnce } from '../observability/reports.js'

export class RequestTargets {
  readonly #baseUrls: readonly string[]
  readonly #warn: WarnOnce

  /**
   * @param baseUrls the resolved option `dpop.baseUrl`; empty if it is not set.
   * @param warn logs, once for each cause, why the URL of a request is unknown.
   */
  constructor(baseUrls: readonly string[], warn: WarnOnce) {
    this.#baseUrls = baseUrls
    this.#warn = warn
  }

  /**
   * Returns every URL to which the client may have sent the request. The array is empty if no
   * trusted source states the URL; every proof is rejected in that case.
   *
   * @throws {TypeError} (a 500) if neither `dpop.baseUrl` nor `trustProxy` is set, and the
   *   connection is not on loopback.
   * @throws {Error} (a 500) if `trustProxy` is a function that throws.
   */
  targetUrisOf(request: FastifyRequest): readonly string[] {
    const path = originalUrlOf(request)
    // A request target in absolute form (RFC 9112 §3.2.2) has a host that the caller chose.
    if (!path.startsWith('/')) return []
    return this.#basesOf(request).map((base) => base + path)
  }

  #basesOf(request: FastifyRequest): readonly string[] {
    if (this.#baseUrls.length > 0) return this.#configuredBases(request)
    // Only "trustProxy" sets `ips`, but a polluted Object.prototype may have a member of this name.
    const origin = originOf(request)
    const trustsProxy = origin.ips !== (Object.prototype as { ips?: unknown }).ips
    if (trustsProxy) return this.#forwardedBases(request, origin)
    const bases = loopbackBases(request, origin)
    if (bases !== undefined) return bases
    throw new TypeError(
      'Set "dpop.baseUrl" to the public URL of this server, or create Fastify with "trustProxy": ' +
        'a DPoP proof names the URL of the request, and a Host header is not proof of it',
    )
  }

  /**
   * Returns the configured base URLs that apply to the request. If any route of the server has
   * `constraints.host`, the caller's `Host` selects the route, so only base URLs with that host
   * apply. The comparison is exact, as in the router: `API.example` and `api.example:443` select
   * other routes than `api.example`.
   */
  #configuredBases({ server, raw: { headers } }: FastifyRequest): readonly string[] {
    if (!server.hasConstraintStrategy('host')) return this.#baseUrls
    // Reads the same headers as Fastify's router, but own members only, because a polluted
    // Object.prototype may have a member `host`.
    const host = ownMember(headers, 'host') || ownMember(headers, ':authority')
    const bases = this.#baseUrls.filter((base) => new URL(base).host === host)
    if (bases.length === 0) this.#warn(OTHER_HOST)
    return bases
  }

  #forwardedBases(request: FastifyRequest, origin: Origin): readonly string[] {
    // The first address is that of the connection. A second one exists only if Fastify trusts the
    // first, and X-Forwarded-For is present.
    if ((origin.ips as readonly string[]).length < 2) {
      this.#warn(UNTRUSTED)
      return []
    }
    const host = lastOf(request, 'x-forwarded-host')
    if (host === undefined) {
      this.#warn(NO_HOST)
      return []
    }
    // Matches the whole protocol, because Fastify accepts any text, even the start of another URL.
    const protocol = lastOf(request, 'x-forwarded-proto') ?? origin.protocol
    if (HOST.test(host) && /^https?$/.test(protocol)) return [`${protocol}://${host}`]
    this.#warn(MALFORMED)
    return []
  }
}

interface Origin {
  readonly ips: readonly string[] | undefined
  readonly protocol: string
}

/**
 * Reads the members that Fastify derives from "trustProxy".
 *
 * @throws {Error} if "trustProxy" is a function that throws: Fastify calls it for both members.
 */
function originOf(request: FastifyRequest): Origin {
  try {
    const { ips, protocol } = request
    return { ips, protocol }
  } catch (thrown) {
    throw applicationFailure('trustProxy', thrown)
  }
}

/** Returns the value of `request.originalUrl`, but ignores a polluted Object.prototype. */
function originalUrlOf({ raw }: FastifyRequest): string {
  return ownMember(raw as { originalUrl?: string }, 'originalUrl') || `${raw.url}`
}

/** A host name, IPv4 address or IPv6 address in brackets, with an optional port. */
const HOST = /^(?:[\w-]+(?:\.[\w-]+)*\.?|\[[\da-f:.]+\])(?::\d{1,5})?$/i

const UNTRUSTED =
  'DPoP proofs rejected: the URL of the request is unknown, because "trustProxy" does not trust ' +
  'the sender (a number trusts no sender) or X-Forwarded-For is missing; set "dpop.baseUrl"'
const NO_HOST =
  'DPoP proofs rejected: the URL of the request is unknown, because the trusted proxy sends no ' +
  'X-Forwarded-Host; set "dpop.baseUrl"'
const MALFORMED =
  'DPoP proofs rejected: the URL of the request is unknown, because X-Forwarded-Host is not one ' +
  'host, or X-Forwarded-Proto is neither http nor https; have the trusted proxy overwrite both'
const OTHER_HOST =
  'DPoP proofs rejected: routes are selected by Host (constraints.host), and no "dpop.baseUrl" ' +
  'has the Host of the request; have the proxy forward Host, or add the URL'

/**
 * Returns the last value of a header, which the nearest proxy wrote; `undefined` if the header is
 * absent. Fastify reads these headers in the same way; this function also ignores a polluted
 * Object.prototype.
 */
function lastOf({ raw }: FastifyRequest, name: string): string | undefined {
  const value = ownMember(raw.headers, name)
  return typeof value === 'string' ? value.slice(value.lastIndexOf(',') + 1).trim() : undefined
}

/**
 * Returns the base URLs of a loopback connection, derived from its local address; `undefined` for
 * any other connection. Tests and demos on loopback therefore need no configuration.
 */
function loopbackBases(
  { raw: { socket } }: FastifyRequest,
  { protocol }: Origin,
): string[] | undefined {
  const { localAddress = '', localPort } = socket
  const address = localAddress.replace(/^::ffff:/, '')
  const hosts = [address.includes(':') ? `[${address}]` : address, 'localhost']
  const bases = hosts.map((host) => `${protocol}://${host}:${localPort}`)
  const isHere = bases.every((base) => canParseUrl(base) && isLoopback(new URL(base)))
  return isHere ? bases : undefined
}
