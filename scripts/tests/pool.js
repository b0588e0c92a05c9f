/**
 * Runs test files in worker processes. A worker takes the next file when it has finished one, so
 * that the load is even. A file with a comment "// Own process: REASON", or one that mocks modules,
 * runs in a separate process.
 */
import { readFileSync } from 'node:fs'

/**
 * Calls `onStart(file)` and `onResult({ file, total, skip, failures, ms })` for each file. A
 * failure outside all files, such as a server that was not closed, is a result without `file`.
 *
 * @param groups `{ files, start }` each, where `start` starts a worker for files of that group.
 *   Jobs are distributed over the groups; a job whose group is finished continues with the other
 *   groups.
 */
export async function runFiles(groups, { jobs, onStart, onResult }) {
  const queues = groups.map(({ files, start }) => ({ queue: [...files], start }))

  async function runGroup({ queue, start }) {
    let shared
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      onStart(file)
      const text = readFileSync(file, 'utf8')
      const mocks = text.includes('.mockImport')
      const isolated = mocks || /^\/\/ Own process: \S/m.test(text)
      const worker = isolated ? start() : (shared ?? start())
      if (!isolated) shared = worker
      const result = await worker.run(file, mocks)
      if (result.mustRunElsewhere) queue.unshift(file)
      else onResult(result)
      if (isolated || worker.unusable) {
        await end(worker)
        if (!isolated) shared = undefined
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
    for (const group of [...queues.slice(first), ...queues.slice(0, first)]) await runGroup(group)
  }

  await Promise.all(Array.from({ length: jobs }, work))
}
