/** The scopes of each server in which the plugin is registered, and which of them a route is in. */
import type { FastifyInstance } from 'fastify'
import type { Core } from '../server/assembly.js'
import type { RouteGuards } from './route-guard.js'

/** A scope of Fastify's in which the plugin guards the routes. */
export interface GuardedScope {
  readonly instance: FastifyInstance
  readonly guards: RouteGuards
  /** See {@link Core}. */
  readonly namedIssuers: Core['namedIssuers']
}

const scopes = new WeakMap<object, GuardedScope[]>()

/** @throws {TypeError} where the plugin would guard a scope twice. */
export function requireFirst(fastify: FastifyInstance): void {
  // Scopes inherit from the one around them, and get its hooks even if they were there first.
  const inside = guardedScopes(fastify).some(({ instance }) => isWithin(instance, fastify))
  if (!inside && !fastify.hasDecorator('resourceServer')) return
  throw new TypeError(
    'fastify-resource-server is registered already in this scope, in one around it or in one ' +
      'inside of it, and would guard the inner one twice. For several issuers give an array as ' +
      '"issuer"; for scopes with different issuers register it in each of them, side by side',
  )
}

export function guardScope(
  instance: FastifyInstance,
  guards: RouteGuards,
  { namedIssuers }: Pick<Core, 'namedIssuers'>,
): void {
  scopes.set(instance.server, [...guardedScopes(instance), { instance, guards, namedIssuers }])
}

/** All scopes of an instance's server, in the order in which the plugin was registered. */
export function guardedScopes({ server }: FastifyInstance): readonly GuardedScope[] {
  return scopes.get(server) ?? []
}

/** The scope whose guard runs for the routes of an instance. There is one at most. */
export function scopeAround(instance: FastifyInstance): GuardedScope | undefined {
  return guardedScopes(instance).find((scope) => isWithin(instance, scope.instance))
}

function isWithin(instance: FastifyInstance, other: FastifyInstance): boolean {
  return instance === other || Object.prototype.isPrototypeOf.call(other, instance)
}
