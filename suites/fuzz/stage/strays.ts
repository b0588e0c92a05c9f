/** Rejections that nobody handled: in an API they would end the process. */
const rejections: unknown[] = []

process.on('unhandledRejection', (reason) => rejections.push(reason))

/** Those since it was last asked for. */
export function strays(): readonly unknown[] {
  return rejections.splice(0)
}
