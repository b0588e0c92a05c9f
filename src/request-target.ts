/**
 * The URL that a client asked for (RFC 9449 §4.3, check 9): from the configuration, from what a
 * trusted proxy says, or on loopback from the connection itself. Never from the caller's `Host`, or a
 * proof that was made for another server could be replayed here by whoever got it there.
 */
import type { FastifyRequest } from 'fastify'
import { isLoopback } from './loopback.js'

/**
 * In each of the ways in which the client may know it; empty where nobody trusted says.
 *
 * @throws {TypeError} (a 500) if it was never said how to tell.
 */
export function targetUris(
  request: FastifyRequest,
  baseUrls: readonly string[],
): readonly string[] {
  const { originalUrl: path } = request
  // An absolute form (RFC 9112 §3.2.2) names a host of the caller's choice.
  if (!path.startsWith('/')) return []
  return basesOf(request, baseUrls).map((base) => base + path)
}

function basesOf(request: FastifyRequest, baseUrls: readonly string[]): readonly string[] {
  if (baseUrls.length > 0) return baseUrls
  const bases = request.ips === undefined ? loopbackBases(request) : forwardedBases(request)
  if (bases !== undefined) return bases
  throw new TypeError(
    '"dpop.baseUrl" must be set to the URL under which clients see this server, or Fastify be ' +
      'created with "trustProxy": a DPoP proof names the URL, and a Host header proves nothing',
  )
}

function forwardedBases(request: FastifyRequest): readonly string[] {
  const host = lastOf(request, 'x-forwarded-host')
  // The first address is that of the connection; a second one is there only if that is trusted.
  const isTrusted = (request.ips as string[]).length > 1
  // A host, and not the beginning of a URL of somebody's choice.
  if (!isTrusted || host === undefined || !/^[\w.:[\]-]+$/.test(host)) return []
  return [`${request.protocol}://${host}`]
}

/** What the proxy next to us wrote, as Fastify reads these headers. */
function lastOf({ headers }: FastifyRequest, name: string): string | undefined {
  const { [name]: value } = headers
  return typeof value === 'string' ? value.slice(value.lastIndexOf(',') + 1).trim() : undefined
}

/** For tests and demos: a connection on this machine tells where it ends. */
function loopbackBases({ protocol, raw: { socket } }: FastifyRequest): string[] | undefined {
  const { localAddress = '', localPort } = socket
  const address = localAddress.replace(/^::ffff:/, '')
  const hosts = [address.includes(':') ? `[${address}]` : address, 'localhost']
  const bases = hosts.map((host) => `${protocol}://${host}:${localPort}`)
  const isHere = bases.every((base) => URL.canParse(base) && isLoopback(new URL(base)))
  return isHere ? bases : undefined
}
