/**
 * Replaces the package `async-hook-domain`, with which tap assigns an uncaught error to a test.
 * That package tracks every promise with async hooks, which took a fifth of the time of all tests;
 * an `AsyncLocalStorage` costs less.
 */
import { AsyncLocalStorage, executionAsyncResource } from 'node:async_hooks'

const current = new AsyncLocalStorage()
/**
 * The domain of tap's root, which receives errors from outside all tests. It is the first domain.
 */
let root

export class Domain {
  destroyed = false

  /** Applies to all code that the current async resource runs later; tap creates one per test. */
  constructor(onerror) {
    this.onerror = onerror
    this.parent = current.getStore()
    root ??= this
    const resource = executionAsyncResource()
    const { runInAsyncScope } = resource
    resource.runInAsyncScope = (run, self, ...args) =>
      runInAsyncScope.call(resource, () => current.run(this, () => run.apply(self, args)))
  }

  destroy() {
    this.destroyed = true
  }
}

const emit = process.emit
process.emit = function (event, ...args) {
  const isUnhandled = event === 'unhandledRejection' && process.listenerCount(event) === 0
  return isUnhandled ? report(args[0], event) : emit.call(this, event, ...args)
}

process.on('uncaughtExceptionMonitor', (error, origin) => {
  if (!report(error, origin)) return
  process.setUncaughtExceptionCaptureCallback(() => {
    process.setUncaughtExceptionCaptureCallback(null)
  })
})

/**
 * Passes the error to the domain of the current code. Returns false if there is none, or if a test
 * handles such errors itself.
 */
function report(error, origin) {
  if (process.hasUncaughtExceptionCaptureCallback()) return false
  if (process.listenerCount('uncaughtException') > 0) return false
  let domain = current.getStore() ?? root
  while (domain?.destroyed) domain = domain.parent
  domain?.onerror(error, origin)
  return domain !== undefined
}
