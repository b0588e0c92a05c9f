/** What many known tokens cost in memory, measured once, while the caches fill. */

export async function memoryOf(row, { count }, fill) {
  const before = await row.server.ask('memory')
  await fill()
  const after = await row.server.ask('memory')
  return {
    rss: after.rss,
    heapUsed: after.heapUsed,
    heapPerToken: (after.heapUsed - before.heapUsed) / count,
  }
}
