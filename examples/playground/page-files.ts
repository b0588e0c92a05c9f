/** Serves the files of the folder `page`, with a Content-Security-Policy. */
import { readdirSync, readFileSync } from 'node:fs'
import { extname } from 'node:path'
import type { FastifyInstance } from 'fastify'

const FOLDER = new URL('page/', import.meta.url)

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/**
 * Returns a policy that forbids external and inline scripts and HTML sinks. The page may contact
 * its own origin and the API.
 */
function contentSecurityPolicy(apiOrigin: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src 'self' ${apiOrigin}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ')
}

export function servePageFiles(app: FastifyInstance, apiOrigin: () => string): void {
  for (const name of readdirSync(FOLDER)) {
    const body = readFileSync(new URL(name, FOLDER))
    const type = TYPES[extname(name)]
    if (type === undefined) throw new Error(`unknown file type: ${name}`)
    app.get(name === 'index.html' ? '/' : `/${name}`, async (_request, reply) =>
      reply
        .type(type)
        .headers({
          'content-security-policy': contentSecurityPolicy(apiOrigin()),
          'x-content-type-options': 'nosniff',
          'referrer-policy': 'no-referrer',
          'cross-origin-opener-policy': 'same-origin',
          'cache-control': 'no-cache',
        })
        .send(body),
    )
  }
}
