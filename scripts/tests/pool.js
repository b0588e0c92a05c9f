/**
 * Runs test files in a few worker processes. A worker takes the next file when it has finished one,
 * so that the load is even. A file that says "// Own process: REASON", or that mocks modules, has a
 * process of its own.
 */
import { readFileSync } from 'node:fs'

/**
 * Calls `onStart(file)` and `onResult({ file, total, skip, failures, ms })` for each of the files.
 * What failed outside of every file, such as a server left open, is a result without `file`.
 *
 * @param groups `{ files, start }` each, where `start` starts a worker for files of that group. The
 *   jobs share out the groups, and help each other where one is finished.
 */
export async function runFiles(groups, { jobs, onStart, onResult }) {
  const queues = groups.map(({ files, start }) => ({ queue: [...files], start }))

  async function takeTurns({ queue, start }) {
    let shared
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      onStart(file)
      const text = readFileSync(file, 'utf8')
      const mocks = text.includes('.mockImport')
      const alone = mocks || /^\/\/ Own process: \S/m.test(text)
      const worker = alone ? start() : (shared ?? start())
      if (!alone) shared = worker
      const result = await worker.run(file, mocks)
      if (result.refused) queue.unshift(file)
      else onResult(result)
      if (alone || worker.unusable) {
        await end(worker)
        if (!alone) shared = undefined
      }
    }
    if (shared !== undefined) await end(shared)
  }

  async function end(worker) {
    const failures = await worker.end()
    if (failures.length > 0) onResult({ total: 0, skip: 0, failures })
  }

  async function work(_, job) {
    const first = job % queues.length
    for (const group of [...queues.slice(first), ...queues.slice(0, first)]) await takeTurns(group)
  }

  await Promise.all(Array.from({ length: jobs }, work))
}
