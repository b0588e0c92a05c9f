/** How much the process's resident memory grows at its worst, and an end before it hurts others. */
const LIMIT = 400 * 2 ** 20

let start = 0
let peak = 0
let kernelPeakBefore = 0

/** Begins with what is left after a collection. */
export function watch(tell) {
  collectGarbage()
  start = process.memoryUsage.rss()
  peak = start
  kernelPeakBefore = kernelPeak()
  setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss())
    if (peak - start < LIMIT) return
    tell({ grown: peak - start })
    process.disconnect()
    process.exit()
  }, 5).unref()
}

export function collectGarbage() {
  for (let i = 0; i < 3; i++) globalThis.gc()
}

/** In bytes, since {@link watch}. */
export function grown() {
  // What came and went between two looks is known to the kernel.
  if (kernelPeak() > kernelPeakBefore) peak = Math.max(peak, kernelPeak())
  return peak - start
}

function kernelPeak() {
  return process.resourceUsage().maxRSS * 1024
}
