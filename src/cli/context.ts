/** The process context of a command: streams, environment and signals. */
import type { Readable } from 'node:stream'

export interface ProcessContext {
  readonly stdin: Readable & { readonly isTTY?: boolean }
  /** Receives only the result of the command, because it may be piped. */
  readonly stdout: Output
  /** Receives prompts, hints and errors. */
  readonly stderr: Output
  readonly env: Readonly<Record<string, string | undefined>>
  /** Emits `SIGINT` and `SIGTERM`: the process. */
  readonly signals: SignalSource
}

export interface Output {
  readonly isTTY?: boolean
  /** Like `write()` of a stream: `done` gets the error, if any. */
  write(text: string, done?: (error?: Error | null) => void): unknown
}

export interface SignalSource {
  once(signal: Signal, listener: () => void): unknown
  removeListener(signal: Signal, listener: () => void): unknown
}

export type Signal = 'SIGINT' | 'SIGTERM'
