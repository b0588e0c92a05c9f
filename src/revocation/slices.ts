const SLICE = 1_000

/** Visits each item, and lets the event loop turn now and then, so that no request waits for long. */
export async function visitInSlices<T>(
  items: Iterable<T>,
  visit: (item: T) => void,
): Promise<void> {
  let visited = 0
  for (const item of items) {
    visit(item)
    visited++
    if (visited % SLICE === 0) await new Promise((resolve) => setImmediate(resolve))
  }
}
