/**
 * Stands in for the package `async-hook-domain`, by which tap tells which test an error belongs to
 * that was not caught. That one follows every promise with async hooks, which took a fifth of the
 * time of all tests; an `AsyncLocalStorage` does the same for less.
 */
import { AsyncLocalStorage, executionAsyncResource } from 'node:async_hooks'

const current = new AsyncLocalStorage()
/** For what was begun outside of every test: the first domain, which is that of tap's root. */
let root

export class Domain {
  destroyed = false

  /** Holds for what the running async resource runs from now on: tap makes one for each test. */
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
  const isUnheard = event === 'unhandledRejection' && process.listenerCount(event) === 0
  return isUnheard ? isReported(args[0], event) : emit.call(this, event, ...args)
}

process.on('uncaughtExceptionMonitor', (error, origin) => {
  if (!isReported(error, origin)) return
  process.setUncaughtExceptionCaptureCallback(() => {
    process.setUncaughtExceptionCaptureCallback(null)
  })
})

/** Tells the test of the running code. False if there is none, or a test handles such errors itself. */
function isReported(error, origin) {
  if (process.hasUncaughtExceptionCaptureCallback()) return false
  if (process.listenerCount('uncaughtException') > 0) return false
  let domain = current.getStore() ?? root
  while (domain?.destroyed) domain = domain.parent
  domain?.onerror(error, origin)
  return domain !== undefined
}
