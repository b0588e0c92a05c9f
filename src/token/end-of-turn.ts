/**
 * Runs the verifications that requests of one turn of the event loop need together, at the end of
 * the turn. Alternating with the work on requests, a verification takes twice as long, because the
 * code of each displaces the code of the other from the caches of the processor.
 */

// Not the global function, which the application may replace by a fake timer in its tests.
import { setImmediate } from 'node:timers'

let tasks: (() => void)[] = []

/** @param task must not throw. */
export function atEndOfTurn(task: () => void): void {
  tasks.push(task)
  if (tasks.length === 1) setImmediate(runAll)
}

function runAll(): void {
  const due = tasks
  tasks = []
  // A promise that a task resolves continues after all tasks.
  for (const task of due) task()
}
