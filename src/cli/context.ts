/** Defines the process context of a command: streams, environment and signals. */
import type { Readable } from 'node:stream'

export interface ProcessContext {
  readonly stdin: Readable & { readonly isTTY?: boolean }
  /** Receives only the result of the command, because another program may read it. */
  readonly stdout: Output
  /** Receives prompts, hints and errors. */
  readonly stderr: Output
  readonly env: Readonly<Record<string, string | undefined>>
  /** The current folder, in which `init` writes. */
  readonly cwd: string
  /** Emits `SIGINT` and `SIGTERM`, as `process` does. */
  readonly signals: SignalSource
}

export interface Output {
  readonly isTTY?: boolean
  /** Width of the terminal, in columns; `undefined` if the output is not a terminal. */
  readonly columns?: number
  /** Writes like a stream and then calls `done`, with an error if the write failed. */
  write(text: string, done?: (error?: Error | null) => void): unknown
}

export interface SignalSource {
  once(signal: Signal, listener: () => void): unknown
  removeListener(signal: Signal, listener: () => void): unknown
}

export type Signal = 'SIGINT' | 'SIGTERM'
