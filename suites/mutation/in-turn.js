/** Each of `items` once, by whichever worker is free. */
export async function inTurn(items, workers, play) {
  const left = items[Symbol.iterator]()
  const all = workers.map(async (worker) => {
    for (const item of left) await play(item, worker)
  })
  await Promise.all(all)
}
