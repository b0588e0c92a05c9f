/** Measures the peak growth of the process's resident memory; ends the process at a limit. */
const LIMIT = 400 * 2 ** 20

let start = 0
let peak = 0
let kernelPeakBefore = 0

/** Starts measuring after a garbage collection. */
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

/** Peak growth in bytes since {@link watch}. */
export function grown() {
  // The kernel also records peaks between two samples.
  if (kernelPeak() > kernelPeakBefore) peak = Math.max(peak, kernelPeak())
  return peak - start
}

function kernelPeak() {
  return process.resourceUsage().maxRSS * 1024
}
