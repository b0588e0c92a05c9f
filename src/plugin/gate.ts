/**
 * Adds the hooks of a guarded encapsulation context. The hooks are added before the guard exists,
 * and reject every request until it does. Therefore no route is open if the registration fails and
 * the application starts regardless.
 */
import type {
  HookHandlerDoneFunction as DoneFunction,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
} from 'fastify'
import { logSafely } from '../observability/safe-logger.js'
import type { Guard } from './guard.js'
import { isCheckedLast, isPreflight } from './preflight.js'
import { endRejectedUpgrade, sendUnserializedRejection } from './rejections.js'

let gates = 0

export class Gate {
  /**
   * Unique name of the `onRequest` hook. In the output of `printRoutes()`, it identifies the routes
   * that have the hook.
   */
  readonly name = `fastify-resource-server-${++gates}`
  #guard: Guard | undefined
  #failure: unknown
  #isFailureLogged = false

  /**
   * Adds the hooks. The promise resolves once Fastify has installed them, because Fastify drops
   * the hooks of a plugin that fails earlier.
   */
  async addHooks(fastify: FastifyInstance): Promise<void> {
    const onRequest = (request: FastifyRequest, reply: FastifyReply, done: DoneFunction) => {
      if (this.#guard !== undefined && isPreflight(request)) done()
      else this.#check(request, reply, done)
    }
    fastify.addHook('onRequest', Object.defineProperty(onRequest, 'name', { value: this.name }))
    fastify.addHook('preHandler', (request, reply, done) => {
      // Asks the guard first, because Fastify creates an object for each read of `routeOptions`.
      if (this.#guard?.hasAdmitted(request)) done()
      else if (isCheckedLast(request.routeOptions.config)) done()
      else this.#check(request, reply, done)
    })
    fastify.addHook('onSend', sendUnserializedRejection)
    await fastify.after()
  }

  /**
   * Adds the deferred check to a context that declares a preflight route, after the hooks that the
   * context already has.
   */
  addLastHook(fastify: FastifyInstance): void {
    fastify.addHook('preHandler', (request, reply, done) => this.#checkLast(request, reply, done))
  }

  /** Lets the guard decide on every request from now on. */
  open(guard: Guard): void {
    this.#guard = guard
  }

  /** Stores the error of a failed registration, as the cause of the rejections that follow. */
  fail(failure: unknown): void {
    this.#failure = failure
  }

  /**
   * Runs before the handler. Checks a request that the guard has not admitted: a preflight to which
   * no plugin responded, or a request that another context or an earlier hook forwarded to the 404
   * handler of this context.
   */
  #checkLast(request: FastifyRequest, reply: FastifyReply, done: DoneFunction): void {
    if (this.#guard?.hasAdmitted(request)) done()
    else this.#check(request, reply, done)
  }

  #check(request: FastifyRequest, reply: FastifyReply, done: DoneFunction): void {
    if (this.#guard === undefined) this.#rejectUnguarded(request, reply, done)
    else this.#guard.check(request, reply, done)
  }

  #rejectUnguarded(request: FastifyRequest, reply: FastifyReply, done: DoneFunction): void {
    const cause = this.#failure
    if (!this.#isFailureLogged) {
      this.#isFailureLogged = true
      logSafely(request.log, 'error', { err: cause }, NOT_REGISTERED)
    }
    endRejectedUpgrade(request, reply)
    const error = new Error('Access token verification is not available', { cause })
    done(
      Object.assign(error, { code: 'not_registered', statusCode: 503, status: 503, expose: false }),
    )
  }
}

const NOT_REGISTERED = 'registration of fastify-resource-server failed; every request gets 503'
