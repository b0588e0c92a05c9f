/**
 * Finds requirements in the options of `register()`, such as
 * `register(routes, { config: { auth: { roles: 'admin' } } })`. Fastify passes these options to the
 * function and not to its routes, although other options, such as `logLevel`, apply to all routes.
 */
import type { FastifyInstance, RegisterOptions } from 'fastify'
import { isPlainObject } from '../base/plain-object.js'
import { isWithin } from './guarded-contexts.js'
import { ROUTE_REQUIREMENT_KEYS } from './route-guard.js'

export class RegisteredRequirements {
  readonly #fastify: FastifyInstance
  readonly #contexts: FastifyInstance[] = []

  constructor(fastify: FastifyInstance) {
    this.#fastify = fastify
    fastify.addHook('onRegister', (instance, options: RegisterOptions & RouteMembers) => {
      if ([options.auth, options.config?.auth].some(isRequirement)) this.#contexts.push(instance)
    })
  }

  /**
   * Logs a warning if no route of such a context has `config.auth`. Otherwise the function may have
   * applied the options itself.
   *
   * @param contexts the contexts of the routes with `config.auth`.
   */
  warnOfUnused(contexts: readonly FastifyInstance[]): void {
    const unused = this.#contexts.filter(
      (instance) => !contexts.some((context) => isWithin(context, instance)),
    )
    if (unused.length === 0) return
    this.#fastify.log.warn({ prefixes: unused.map(({ prefix }) => prefix) }, UNUSED)
  }
}

interface RouteMembers {
  readonly auth?: unknown
  readonly config?: { readonly auth?: unknown } | null
}

/** Whether the value can only be a requirement: other plugins have options named "auth" as well. */
function isRequirement(value: unknown): boolean {
  if (!isPlainObject(value)) return false
  const keys = Object.keys(value)
  return keys.length > 0 && keys.every((key) => ROUTE_REQUIREMENT_KEYS.includes(key))
}

const UNUSED =
  'routes lack the requirements in the options of register(), which apply to no route; set config.auth of the routes, such as in an onRoute hook'
