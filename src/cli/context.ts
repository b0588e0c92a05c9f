/** What a command sees of the process that it runs in. */
import type { Readable } from 'node:stream'

export interface ProcessContext {
  readonly stdin: Readable & { readonly isTTY?: boolean }
  /** For what was asked for, and nothing else: it may be piped on. */
  readonly stdout: Output
  /** For everything else: questions, hints, what went wrong. */
  readonly stderr: Output
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where `SIGINT` and `SIGTERM` arrive: the process. */
  readonly signals: SignalSource
}

export interface Output {
  readonly isTTY?: boolean
  /** As of a stream: `done` gets the error, if there is one. */
  write(text: string, done?: (error?: Error | null) => void): unknown
}

export interface SignalSource {
  once(signal: Signal, listener: () => void): unknown
  removeListener(signal: Signal, listener: () => void): unknown
}

export type Signal = 'SIGINT' | 'SIGTERM'
