/** What many known tokens cost in memory, measured once, while the caches fill. */
import { mapValues } from './map-values.js'

export async function memoryOf(rows, { count }, fill) {
  const before = await ask(rows)
  await fill()
  return mapValues(await ask(rows), (after, name) => ({
    ...after,
    heapPerToken: (after.heapUsed - before[name].heapUsed) / count,
  }))
}

async function ask(rows) {
  const answers = await Promise.all(
    rows.map(async ({ name, server }) => [name, await server.ask('memory')]),
  )
  return Object.fromEntries(answers)
}
