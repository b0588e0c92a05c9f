/** Collects unhandled rejections, which would end the process of an API. */
const rejections: unknown[] = []

process.on('unhandledRejection', (reason) => rejections.push(reason))

/** Returns the rejections since the last call. */
export function takeUnhandledRejections(): readonly unknown[] {
  return rejections.splice(0)
}
