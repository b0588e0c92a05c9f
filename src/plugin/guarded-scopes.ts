/** Keeps the encapsulation contexts of each server in which the plugin guards the routes. */
import type { FastifyInstance } from 'fastify'
import type { Core } from '../server/assembly.js'
import type { RouteGuards } from './route-guard.js'

/** An encapsulation context of Fastify in which the plugin guards the routes. */
export interface GuardedScope {
  readonly instance: FastifyInstance
  readonly guards: RouteGuards
  /** See {@link Core}. */
  readonly namedIssuers: Core['namedIssuers']
}

const scopes = new WeakMap<object, GuardedScope[]>()

/** @throws {TypeError} if the plugin would guard a context twice. */
export function requireFirst(fastify: FastifyInstance): void {
  // A context inherits the hooks of its parent, even those added after the context was created.
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

/** Returns the guarded contexts of an instance's server, in the order of registration. */
export function guardedScopes({ server }: FastifyInstance): readonly GuardedScope[] {
  return scopes.get(server) ?? []
}

/** Returns the context whose guard runs for the routes of an instance. There is at most one. */
export function scopeAround(instance: FastifyInstance): GuardedScope | undefined {
  return guardedScopes(instance).find((scope) => isWithin(instance, scope.instance))
}

function isWithin(instance: FastifyInstance, other: FastifyInstance): boolean {
  return instance === other || Object.prototype.isPrototypeOf.call(other, instance)
}
