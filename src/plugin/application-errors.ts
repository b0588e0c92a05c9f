/**
 * Challenges for the errors of this package that application code throws: in a handler, a hook or a
 * stream. They are set before the application's own error handler runs, which may render the body as
 * it likes. The guard's rejections have their headers already.
 */
import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { ResourceServerError } from '../errors/errors.js'
import { REJECTED_WITH, type Rejections } from './rejections.js'
import type { RouteGuards } from './route-guard.js'

/** Adds an error handler to a route that passes every error on to the application's. */
export function addChallenges(
  route: RouteOptions,
  guards: RouteGuards,
  rejections: Rejections,
): void {
  const { errorHandler } = route
  route.errorHandler = function (error, request, reply) {
    if (isThrownByApplication(error, request, reply)) {
      const { config, schema } = request.routeOptions
      const guard = guards.guardForChallenge(config, schema)
      rejections.challengeThrown(error, guard, request, reply)
    }
    if (errorHandler !== undefined) return errorHandler.call(this, error, request, reply)
    // Fastify calls the error handler of the encapsulation context next.
    throw error
  }
}

function isThrownByApplication(
  error: unknown,
  request: FastifyRequest & { [REJECTED_WITH]?: ResourceServerError | null },
  reply: FastifyReply,
): error is ResourceServerError {
  const isOurs = error instanceof ResourceServerError && error !== request[REJECTED_WITH]
  return isOurs && !reply.raw.headersSent
}
