/**
 * The Fastify plugin: decorators, the guard of every route, the life of the server.
 *
 * The guard is one `onRequest` hook that reads the route's config when a request comes, and not
 * something attached to routes by `onRoute`: routes that were declared before this plugin was loaded
 * would stay open.
 */
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { assemble } from './assembly.js'
import './augment.js'
import { createGuardHook } from './guard.js'
import { guardScope, requireFirst } from './guarded-scopes.js'
import { type PluginOptions, resolvePluginOptions } from './plugin-options.js'
import { serveResourceMetadata } from './resource-metadata-route.js'
import { ResourceServer } from './resource-server.js'
import { RouteGuards } from './route-guard.js'

const plugin: FastifyPluginAsync<PluginOptions> = async (fastify, options) => {
  requireFirst(fastify)
  const resolved = resolvePluginOptions(options)
  const core = await assemble({ ...resolved.resourceServer, logger: fastify.log })
  const server = new ResourceServer<FastifyRequest>(core)
  const guards = new RouteGuards(resolved.global, core)

  guardScope(fastify, guards, core)
  fastify.decorate('resourceServer', server)
  fastify.decorateRequest('auth', null)
  fastify.decorateRequest('claims', { getter: readClaims })
  fastify.addHook('onRequest', createGuardHook(core, guards, resolved))
  // Only to find mistakes in a requirement before the first request does.
  fastify.addHook('onRoute', ({ config, schema }) => {
    if (config && 'auth' in config && !Object.hasOwn(config, 'auth')) {
      throw new TypeError('config.auth must be a member of its own: Fastify drops inherited ones')
    }
    if (config) guards.of(config as FastifyRequest['routeOptions']['config'], schema)
  })
  if (core.resourceMetadata !== undefined) serveResourceMetadata(fastify, core.resourceMetadata)
  // While the clients of the application are still connected: its onClose hooks run before this one.
  fastify.addHook('preClose', async () => core.sharedRevocations?.flush())
  fastify.addHook('onClose', async () => server.close())
}

/**
 * The plugin: every route of the scope in which it is registered needs a valid access token, unless its
 * `config.auth` says otherwise; see {@link PluginOptions} for what it takes.
 *
 * @throws {TypeError} an option is wrong, unknown or contradicts another; it names the mend.
 */
export default fastifyPlugin<PluginOptions>(plugin, {
  fastify: '5.x',
  name: 'fastify-resource-server',
})

function readClaims(this: FastifyRequest) {
  if (this.auth) return this.auth.claims
  throw new TypeError(
    'request.claims was read on a request without a verified access token. Protect the route ' +
      '(remove auth: false), or look at request.auth, which is null then',
  )
}
