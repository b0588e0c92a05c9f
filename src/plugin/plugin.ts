/**
 * Defines the Fastify plugin, which adds the decorators and the guard of every route, and closes
 * the resource server with the application.
 *
 * The guard runs in hooks of the encapsulation context. If an `onRoute` hook attached the guard to
 * each route instead, routes that were declared before this plugin was loaded would be open.
 */
import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import type { AccessToken } from '../access-token/access-token.js'
import type { AccessTokenClaims } from '../access-token/access-token-claims.js'
import { assemble } from '../server/assembly.js'
import './augment.js'
import { ResourceServer } from '../server/resource-server.js'
import { challengeThrownErrors } from './application-errors.js'
import { serveBackchannelLogout } from './backchannel-logout.js'
import { Gate } from './gate.js'
import { ADMITTED_BY, createGuard, forbidNonceCaching } from './guard.js'
import { assertNotNested, registerContext } from './guarded-contexts.js'
import { OperationRequirements } from './operation-requirements.js'
import { type PluginOptions, resolvePluginOptions } from './plugin-options.js'
import { rejectionLog } from './rejection-log.js'
import { REJECTED_WITH, Rejections } from './rejections.js'
import { RequestCredentials } from './request-credentials.js'
import { serveResourceMetadata } from './resource-metadata-route.js'
import { checkRoutes } from './route-declarations.js'
import { RouteGuards } from './route-guard.js'
import { serveSecurityEventPush } from './security-event-push.js'

const plugin: FastifyPluginAsync<PluginOptions> = async (fastify, options) => {
  const gate = new Gate()
  await gate.addHooks(fastify)
  try {
    await protect(fastify, options, gate)
  } catch (error) {
    gate.fail(error)
    throw error
  }
}

async function protect(fastify: FastifyInstance, options: PluginOptions, gate: Gate) {
  assertNotNested(fastify)
  const resolved = resolvePluginOptions(options)
  const core = await assemble({ ...resolved.resourceServer, logger: fastify.log })
  const server = new ResourceServer<FastifyRequest>(core)
  try {
    // Writes pending revocations in preClose: onClose hooks of the application, which may
    // disconnect the client of the store, can run before the onClose hook below.
    fastify.addHook('preClose', async () => core.sharedRevocations?.flush())
    fastify.addHook('onClose', async () => server.close())
    const guards = new RouteGuards(resolved.global, core)
    const credentials = new RequestCredentials(resolved, core)
    const log = rejectionLog(resolved.logRejections, fastify.log)
    fastify.addHook('onClose', async () => log.close())
    const rejections = new Rejections(core, credentials, log, resolved.onReject)
    addToContext(fastify, server, new OperationRequirements(core, guards, credentials))
    fastify.addHook('onError', challengeThrownErrors(guards, rejections))
    await checkRoutes(fastify, guards, gate, async () => {
      const { backchannelLogout: logout, pushes } = resolved
      if (core.resourceMetadata !== undefined) serveResourceMetadata(fastify, core.resourceMetadata)
      if (logout !== undefined) await serveBackchannelLogout(fastify, server, log, logout)
      await serveSecurityEventPush(fastify, core.securityEvents, log, pushes)
    })
    registerContext(fastify, guards, core)
    if (core.binding.issuesNonces) fastify.addHook('onSend', forbidNonceCaching)
    gate.open(createGuard(core, guards, credentials, rejections))
  } catch (error) {
    await server.close()
    throw error
  }
}

function addToContext(
  fastify: FastifyInstance,
  server: ResourceServer<FastifyRequest>,
  operation: OperationRequirements,
): void {
  fastify.decorate('resourceServer', server)
  fastify.decorateRequest('auth', null)
  fastify.decorateRequest('token', { getter: readToken })
  fastify.decorateRequest('claims', { getter: readClaims })
  fastify.decorateRequest('requireScope', function (...tokens) {
    operation.requireScope(this, tokens)
  })
  fastify.decorateRequest('requireAuthentication', function (requirement) {
    operation.requireAuthentication(this, requirement)
  })
  fastify.decorateRequest(ADMITTED_BY, null)
  fastify.decorateRequest(REJECTED_WITH, null)
}

/**
 * The plugin. Every route of the encapsulation context in which the plugin is registered requires a
 * valid access token, unless `config.auth` of the route is `false` or makes the token optional.
 * With the option `global: false`, only routes with `config.auth` require a token. Options: {@link
 * PluginOptions}.
 *
 * @throws {TypeError} if an option is invalid, unknown or contradicts another; the message names
 *   the fix.
 */
export default fastifyPlugin<PluginOptions>(plugin, {
  fastify: '5.x',
  name: 'fastify-resource-server',
})

function readToken(this: FastifyRequest): AccessToken {
  return this.auth ?? missingToken('token')
}

function readClaims(this: FastifyRequest): AccessTokenClaims {
  return (this.auth ?? missingToken('claims')).claims
}

function missingToken(member: string): never {
  throw new TypeError(
    `request.${member} was read on a request without a verified access token. Protect the route ` +
      '(remove auth: false or, with global: false, set config.auth), or check request.auth, which is null without a token',
  )
}
