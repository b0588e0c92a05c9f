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
 * Maximum number of requests that are checked at the end of one turn. The others wait for the next
 * turns, so that a flood of invalid tokens delays requests with cached tokens by a millisecond.
 */
const MAX_CHECKED = 16
/** Maximum number of requests that wait. */
const MAX_WAITING = 1_000

interface Turn {
  readonly ended: Promise<void>
  readonly end: () => void
  requests: number
}

/** The turns that have not ended, in order. */
const turns: Turn[] = []
let waiting = 0
let tasks: (() => void)[] = []
/** Whether the continuations of a turn run, after which {@link runTasks} is called in any case. */
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
  const turn = turnWithRoom()
  turn.requests++
  return turn.ended
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

function turnWithRoom(): Turn {
  const last = turns.at(-1)
  if (last !== undefined && last.requests < MAX_CHECKED) return last
  const turn = newTurn()
  turns.push(turn)
  if (turns.length === 1) setImmediate(endTurn)
  return turn
}

function newTurn(): Turn {
  let end = () => {}
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  return { ended, end, requests: 0 }
}

function endTurn(): void {
  const { ended, end, requests } = turns.shift() as Turn
  waiting -= requests
  // Node runs a function that is added here in the next turn.
  if (turns.length > 0) setImmediate(endTurn)
  isEnding = true
  end()
  // Continues last, because each request has already called `then`.
  void ended.then(runTasks)
}

function runTasks(): void {
  const due = tasks
  tasks = []
  isEnding = false
  // A promise that a task resolves continues after all tasks.
  for (const task of due) task()
}
