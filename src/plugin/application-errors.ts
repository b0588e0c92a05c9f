/**
 * Adds challenges to the errors of this package that application code throws, in a handler, a hook
 * or a stream. An `onError` hook adds them, because Fastify runs such hooks before every error
 * handler, including the application's, and passes the thrown value unchanged. The guard's own
 * rejections already have their headers.
 */
import type { onErrorHookHandler } from 'fastify'
import { ResourceServerError } from '../errors/resource-server-error.js'
import type { Rejections } from './rejections.js'
import type { RouteGuards } from './route-guard.js'

export function challengeThrownErrors(
  guards: RouteGuards,
  rejections: Rejections,
): onErrorHookHandler {
  return (request, reply, error, done) => {
    if (error instanceof ResourceServerError && !reply.raw.headersSent) {
      const { config, schema } = request.routeOptions
      const guard = guards.guardForChallenge(config, schema)
      rejections.challengeThrown(error, guard, request, reply)
    }
    done()
  }
}
