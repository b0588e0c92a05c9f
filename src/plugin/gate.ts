/**
 * The hooks of a guarded context. They are in force before the guard is there, and reject every
 * request until then: if the registration fails and the application goes on, nothing is open.
 */
import type {
  HookHandlerDoneFunction as DoneFunction,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
} from 'fastify'
import { logSafely } from '../observability/safe-logger.js'
import type { Guard } from './guard.js'
import { isJudgedLast, isPreflight } from './preflight.js'
import { endRejectedUpgrade, sendUnserializedRejection } from './rejections.js'

let gates = 0

export class Gate {
  /** The name of the `onRequest` hook: by it, `printRoutes()` shows which routes have this one. */
  readonly name = `fastify-resource-server-${++gates}`
  #guard: Guard | undefined
  #failure: unknown
  #isFailureLogged = false

  /** Resolves when the hooks are in force. Fastify drops those of a plugin that fails before. */
  async addHooks(fastify: FastifyInstance): Promise<void> {
    const onRequest = (request: FastifyRequest, reply: FastifyReply, done: DoneFunction) => {
      if (this.#guard !== undefined && isPreflight(request)) done()
      else this.#judge(request, reply, done)
    }
    fastify.addHook('onRequest', Object.defineProperty(onRequest, 'name', { value: this.name }))
    fastify.addHook('preHandler', (request, reply, done) => {
      if (isJudgedLast(request.routeOptions.config)) done()
      else this.#judgeLast(request, reply, done)
    })
    fastify.addHook('onSend', sendUnserializedRejection)
    await fastify.after()
  }

  /** For a context whose own hooks may answer preflights: adds the guard behind them. */
  addLastHook(fastify: FastifyInstance): void {
    fastify.addHook('preHandler', (request, reply, done) => this.#judgeLast(request, reply, done))
  }

  open(guard: Guard): void {
    this.#guard = guard
  }

  /** Remembers why the gate stays closed. */
  fail(failure: unknown): void {
    this.#failure = failure
  }

  /**
   * What wasn't judged yet is judged here, before the handler: a preflight that no plugin answered,
   * and what another context or an earlier hook passed on to the 404 handler of this one.
   */
  #judgeLast(request: FastifyRequest, reply: FastifyReply, done: DoneFunction): void {
    if (this.#guard?.hasAdmitted(request)) done()
    else this.#judge(request, reply, done)
  }

  #judge(request: FastifyRequest, reply: FastifyReply, done: DoneFunction): void {
    if (this.#guard === undefined) this.#rejectUnguarded(request, reply, done)
    else this.#guard.judge(request, reply, done)
  }

  #rejectUnguarded(request: FastifyRequest, reply: FastifyReply, done: DoneFunction): void {
    const cause = this.#failure
    if (!this.#isFailureLogged) {
      this.#isFailureLogged = true
      logSafely(request.log, 'error', { err: cause }, NOT_REGISTERED)
    }
    endRejectedUpgrade(request, reply)
    const error = new Error('Access tokens cannot be verified here', { cause })
    done(
      Object.assign(error, { code: 'not_registered', statusCode: 503, status: 503, expose: false }),
    )
  }
}

const NOT_REGISTERED =
  'the registration of fastify-resource-server failed; every request is rejected with 503'
