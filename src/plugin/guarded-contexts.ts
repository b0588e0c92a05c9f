/** Records, for each server, the encapsulation contexts in which the plugin guards the routes. */
import type { FastifyInstance } from 'fastify'
import type { Core } from '../server/assembly.js'
import type { RouteGuards } from './route-guard.js'

/** An encapsulation context of Fastify in which the plugin guards the routes. */
export interface GuardedContext {
  readonly instance: FastifyInstance
  readonly guards: RouteGuards
  /** See `Core.namedIssuers`. */
  readonly namedIssuers: Core['namedIssuers']
}

const contexts = new WeakMap<object, GuardedContext[]>()

/** @throws {TypeError} if the plugin would guard the routes of a context twice. */
export function assertNotNested(fastify: FastifyInstance): void {
  // Also finds guarded child contexts: Fastify adds new hooks of a parent to its existing children,
  // whose routes would be guarded twice.
  const inside = guardedContexts(fastify).some(({ instance }) => isWithin(instance, fastify))
  if (!inside && !fastify.hasDecorator('resourceServer')) return
  throw new TypeError(
    'fastify-resource-server is already registered in this encapsulation context, in a parent or ' +
      'in a child of it, and would guard the routes of the inner context twice. For several ' +
      'issuers, set "issuer" to an array. For different issuers in different contexts, register ' +
      'the plugin once in each of several sibling contexts',
  )
}

export function registerContext(
  instance: FastifyInstance,
  guards: RouteGuards,
  { namedIssuers }: Pick<Core, 'namedIssuers'>,
): void {
  contexts.set(instance.server, [...guardedContexts(instance), { instance, guards, namedIssuers }])
}

/** Returns the guarded contexts of the instance's server, in the order of registration. */
export function guardedContexts({ server }: FastifyInstance): readonly GuardedContext[] {
  return contexts.get(server) ?? []
}

/**
 * Returns the context whose guard runs for the routes of an instance; `undefined` if its routes are
 * not guarded. There is at most one such context; see {@link assertNotNested}.
 */
export function contextOf(instance: FastifyInstance): GuardedContext | undefined {
  return guardedContexts(instance).find((context) => isWithin(instance, context.instance))
}

/** Whether an instance is another one, or in a child context of it. */
export function isWithin(instance: FastifyInstance, other: FastifyInstance): boolean {
  return instance === other || Object.prototype.isPrototypeOf.call(other, instance)
}
