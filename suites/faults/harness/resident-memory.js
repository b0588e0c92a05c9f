/** Measures the peak growth of the resident memory of this process, which exits at a limit. */
const MAX_GROWTH_BYTES = 400 * 2 ** 20

let startBytes = 0
let peakBytes = 0
let kernelPeakAtStartBytes = 0

/** Collects garbage, then starts measuring. Reports the growth before the process exits. */
export function startMeasuring(report) {
  collectGarbage()
  startBytes = process.memoryUsage.rss()
  peakBytes = startBytes
  kernelPeakAtStartBytes = kernelPeakBytes()
  setInterval(() => {
    peakBytes = Math.max(peakBytes, process.memoryUsage.rss())
    if (peakBytes - startBytes < MAX_GROWTH_BYTES) return
    report({ growthBytes: peakBytes - startBytes })
    process.disconnect()
    process.exit()
  }, 5).unref()
}

export function collectGarbage() {
  for (let i = 0; i < 3; i++) globalThis.gc()
}

/** Returns the peak growth in bytes since {@link startMeasuring}. */
export function growth() {
  // The kernel also records peaks between two samples of the timer.
  if (kernelPeakBytes() > kernelPeakAtStartBytes) peakBytes = Math.max(peakBytes, kernelPeakBytes())
  return peakBytes - startBytes
}

function kernelPeakBytes() {
  return process.resourceUsage().maxRSS * 1024
}
