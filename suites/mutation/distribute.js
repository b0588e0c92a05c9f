/** Processes each item once, on the next free worker. */
export async function distribute(items, workers, process) {
  const remaining = items[Symbol.iterator]()
  const all = workers.map(async (worker) => {
    for (const item of remaining) await process(item, worker)
  })
  await Promise.all(all)
}
