/**
 * The URL that a client asked for (RFC 9449 §4.3, check 9): from the configuration, from what a
 * trusted proxy says, or on loopback from the connection itself. Never from the caller's `Host`, or a
 * proof that was made for another server could be replayed here by whoever got it there.
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
   * @param baseUrls as {@link ResolvedDPoP} has them.
   * @param warn told of each configuration with which no proof can be accepted.
   */
  constructor(baseUrls: readonly string[], warn: WarnOnce) {
    this.#baseUrls = baseUrls
    this.#warn = warn
  }

  /**
   * In each of the ways in which the client may know it; empty if no trusted source says.
   *
   * @throws {TypeError} (a 500) if it was never said how to tell.
   */
  of(request: FastifyRequest): readonly string[] {
    const path = originalUrlOf(request)
    // An absolute form (RFC 9112 §3.2.2) names a host of the caller's choice.
    if (!path.startsWith('/')) return []
    return this.#basesOf(request).map((base) => base + path)
  }

  #basesOf(request: FastifyRequest): readonly string[] {
    if (this.#baseUrls.length > 0) return this.#configuredBases(request)
    // Only "trustProxy" gives requests this member; a polluted Object.prototype gives them another.
    const origin = originOf(request)
    const trustsProxy = origin.ips !== (Object.prototype as { ips?: unknown }).ips
    if (trustsProxy) return this.#forwardedBases(request, origin)
    const bases = loopbackBases(request, origin)
    if (bases !== undefined) return bases
    throw new TypeError(
      '"dpop.baseUrl" must be set to the URL under which clients see this server, or Fastify be ' +
        'created with "trustProxy": a DPoP proof names the URL, and a Host header proves nothing',
    )
  }

  /**
   * Where `constraints.host` tells routes apart, the caller's `Host` chooses the route, so it must be
   * the host of the proof. Compared exactly, as the router does: `API.example` and `api.example:443`
   * lead to other routes than `api.example`.
   */
  #configuredBases({ server, raw: { headers } }: FastifyRequest): readonly string[] {
    if (!server.hasConstraintStrategy('host')) return this.#baseUrls
    // As Fastify's router reads it; own members, because a polluted prototype may have a host.
    const host = ownMember(headers, 'host') || ownMember(headers, ':authority')
    const bases = this.#baseUrls.filter((base) => new URL(base).host === host)
    if (bases.length === 0) this.#warn(OTHER_HOST)
    return bases
  }

  #forwardedBases(request: FastifyRequest, origin: Origin): readonly string[] {
    // The first address is that of the connection; a second one is there only if that is trusted.
    if ((origin.ips as readonly string[]).length < 2) {
      this.#warn(UNTRUSTED)
      return []
    }
    const host = lastOf(request, 'x-forwarded-host')
    if (host === undefined) {
      this.#warn(NO_HOST)
      return []
    }
    // Both in full: Fastify takes any text for the protocol, the beginning of another URL as well.
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

/** @throws {Error} if "trustProxy" is a function, which Fastify calls for both, and throws. */
function originOf(request: FastifyRequest): Origin {
  try {
    const { ips, protocol } = request
    return { ips, protocol }
  } catch (thrown) {
    throw applicationFailure('trustProxy', thrown)
  }
}

/** As `request.originalUrl`, which also reads it from a polluted Object.prototype. */
function originalUrlOf({ raw }: FastifyRequest): string {
  return ownMember(raw as { originalUrl?: string }, 'originalUrl') || `${raw.url}`
}

/** A name, an IPv4 address or an IPv6 address in brackets, and a port. */
const HOST = /^(?:[\w-]+(?:\.[\w-]+)*\.?|\[[\da-f:.]+\])(?::\d{1,5})?$/i

const UNTRUSTED =
  'DPoP proofs rejected: the URL of the request is unknown, because "trustProxy" does not trust ' +
  'the sender (a number trusts no sender) or X-Forwarded-For is missing; set "dpop.baseUrl"'
const NO_HOST =
  'DPoP proofs rejected: the URL of the request is unknown, because the trusted proxy sends no ' +
  'X-Forwarded-Host; set "dpop.baseUrl"'
const MALFORMED =
  'DPoP proofs rejected: the URL of the request is unknown, because X-Forwarded-Host is not one ' +
  'host or X-Forwarded-Proto neither http nor https; have the trusted proxy overwrite both'
const OTHER_HOST =
  'DPoP proofs rejected: routes are told apart by Host (constraints.host), and no "dpop.baseUrl" ' +
  'has the Host of the request; have the proxy pass Host on, or add the URL'

/**
 * What the proxy next to us wrote, as Fastify reads these headers, but not with those that a polluted
 * Object.prototype adds to `request.headers`.
 */
function lastOf({ raw }: FastifyRequest, name: string): string | undefined {
  const value = ownMember(raw.headers, name)
  return typeof value === 'string' ? value.slice(value.lastIndexOf(',') + 1).trim() : undefined
}

/** For tests and demos: a connection on this machine tells where it ends. */
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
