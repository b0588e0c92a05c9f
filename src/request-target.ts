/**
 * The URL that a client asked for (RFC 9449 §4.3, check 9): from the configuration, or from what a
 * trusted proxy says. Never from the caller's `Host`, or a proof that was made for another server
 * could be replayed here by whoever got it there.
 */
import type { FastifyRequest } from 'fastify'

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
  const bases = baseUrls.length > 0 ? baseUrls : forwardedBaseUrls(request)
  return bases.map((base) => base + path)
}

function forwardedBaseUrls(request: FastifyRequest): readonly string[] {
  const { ips } = request
  if (ips === undefined) {
    throw new TypeError(
      '"dpop.baseUrl" must be set to the URL under which clients see this server, or Fastify be ' +
        'created with "trustProxy": a DPoP proof names the URL, and a Host header proves nothing',
    )
  }
  const host = lastOf(request, 'x-forwarded-host')
  // The first address is that of the connection; a second one is there only if that is trusted.
  if (ips.length < 2 || host === undefined) return []
  return [`${request.protocol}://${host}`]
}

/** What the proxy next to us wrote, as Fastify reads these headers. */
function lastOf({ headers }: FastifyRequest, name: string): string | undefined {
  const { [name]: value } = headers
  return typeof value === 'string' ? value.slice(value.lastIndexOf(',') + 1).trim() : undefined
}
