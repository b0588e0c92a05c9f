/**
 * Runs work of requests together, at the end of a turn of the event loop: first the continuations
 * of {@link endOfTurn}, which check requests, then the tasks of {@link atEndOfTurn}, which verify
 * signatures. Alternating with each other and with the parsing of requests, they would take up to
 * twice as long, because the code of each displaces the code of the others from the caches of the
 * processor.
 */

// Not the global function, which the application may replace by a fake timer in its tests.
import { setImmediate } from 'node:timers'

/**
 * Number of requests that are checked together. The others wait for the next turns, so that a flood
 * of invalid tokens delays requests with cached tokens by a few milliseconds.
 */
const BATCH_SIZE = 16
/**
 * One of so many batches is checked at the end of a turn. A request then waits for about as many
 * turns, even if requests with cached tokens take most of the time.
 */
const MAX_TURNS = 8
/** Maximum number of requests that wait. */
const MAX_WAITING = 1_000

interface Batch {
  readonly due: Promise<void>
  readonly start: () => void
  requests: number
}

/** The batches of the waiting requests, in order. */
const batches: Batch[] = []
let waiting = 0
let tasks: (() => void)[] = []
/** Whether continuations run, after which {@link runTasks} is called in any case. */
let isEnding = false

/**
 * Returns a promise that resolves at the end of this turn, or of a later one if many requests wait.
 * Unlike a task, its continuation keeps the context (`AsyncLocalStorage`) of the request.
 *
 * @returns `undefined` if too many requests wait. The caller must then continue immediately: only
 *   unsent responses make Node stop reading from a client that sends requests without waiting for
 *   the responses.
 */
export function endOfTurn(): Promise<void> | undefined {
  if (waiting >= MAX_WAITING) return undefined
  waiting++
  const batch = batchWithRoom()
  batch.requests++
  return batch.due
}

/**
 * Runs a task at the end of the turn, or after the continuations of {@link endOfTurn} if one of
 * them adds it.
 *
 * @param task must not throw.
 */
export function atEndOfTurn(task: () => void): void {
  tasks.push(task)
  if (tasks.length === 1 && !isEnding) setImmediate(runTasks)
}

function batchWithRoom(): Batch {
  const last = batches.at(-1)
  if (last !== undefined && last.requests < BATCH_SIZE) return last
  const batch = newBatch()
  batches.push(batch)
  if (batches.length === 1) setImmediate(endTurn)
  return batch
}

function newBatch(): Batch {
  let start!: () => void
  const due = new Promise<void>((resolve) => {
    start = resolve
  })
  return { due, start, requests: 0 }
}

function endTurn(): void {
  isEnding = true
  let last: Promise<void> | undefined
  for (const { due, start, requests } of batches.splice(0, Math.ceil(batches.length / MAX_TURNS))) {
    waiting -= requests
    start()
    last = due
  }
  // Node runs a function that is added here in the next turn.
  if (batches.length > 0) setImmediate(endTurn)
  // Continues last, because each request has already called `then`.
  void last?.then(runTasks)
}

function runTasks(): void {
  const due = tasks
  tasks = []
  isEnding = false
  // A promise that a task resolves continues after all tasks.
  for (const task of due) task()
}
