/**
 * Runs work of the requests of one turn of the event loop together, at the end of the turn: first
 * the continuations of {@link endOfTurn}, which check requests, then the tasks of
 * {@link atEndOfTurn}, which verify signatures. Alternating with each other and with the parsing of
 * requests, they would take up to twice as long, because the code of each displaces the code of the
 * others from the caches of the processor.
 */

// Not the global function, which the application may replace by a fake timer in its tests.
import { setImmediate } from 'node:timers'

interface Turn {
  readonly ended: Promise<void>
  readonly end: () => void
}

let turn: Turn | undefined
let tasks: (() => void)[] = []
/** Whether the continuations of a turn run, after which {@link runTasks} is called in any case. */
let isEnding = false

/**
 * Returns a promise that resolves at the end of the turn. Unlike a task, its continuation keeps the
 * context (`AsyncLocalStorage`) of the request.
 */
export function endOfTurn(): Promise<void> {
  if (turn === undefined) {
    turn = newTurn()
    setImmediate(endTurn, turn)
  }
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

function newTurn(): Turn {
  let end = () => {}
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  return { ended, end }
}

function endTurn({ ended, end }: Turn): void {
  turn = undefined
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
