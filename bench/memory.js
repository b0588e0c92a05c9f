/** Measures the memory of many known tokens, once, while the caches fill. */
import { mapValues } from './map-values.js'

export async function memoryOf(rows, { count }, fill) {
  const before = await readMemory(rows)
  await fill()
  return mapValues(await readMemory(rows), (after, name) => ({
    ...after,
    heapPerToken: (after.heapUsed - before[name].heapUsed) / count,
  }))
}

async function readMemory(rows) {
  const entries = await Promise.all(
    rows.map(async ({ name, server }) => [name, await server.call('memory')]),
  )
  return Object.fromEntries(entries)
}
