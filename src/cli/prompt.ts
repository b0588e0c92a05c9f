/** Prompts at the terminal: for lines, and without echo for secrets. */
import { createInterface, type Interface } from 'node:readline'
import { Writable } from 'node:stream'
import type { ProcessContext } from './context.js'
import { CommandError, ExitCode, UsageError } from './exit-code.js'

/**
 * Writes the prompt to stderr, and returns the line that the user enters.
 *
 * @throws {CommandError} if the user presses Ctrl+C.
 * @throws {UsageError} if the input ends without a line.
 */
export async function promptSecret(
  prompt: string,
  { stdin, stderr }: Pick<ProcessContext, 'stdin' | 'stderr'>,
): Promise<string> {
  const silence = new Writable({ write: (_chunk, _encoding, done) => done() })
  const readline = createInterface({
    input: stdin,
    output: silence,
    // Selects raw mode, in which the terminal echoes nothing, and in which its line buffer does not
    // limit the length of the secret.
    terminal: true,
    historySize: 0,
  })
  try {
    return await new Promise<string>((resolve, reject) => {
      readline.once('line', resolve)
      readline.once('SIGINT', () =>
        reject(new CommandError(ExitCode.interrupted, 'interrupted; nothing was sent')),
      )
      readline.once('close', () =>
        reject(new UsageError('the input ended before a line was entered')),
      )
      stderr.write(prompt)
    })
  } finally {
    readline.close()
    stderr.write('\n')
  }
}

/** Asks questions at the terminal. The terminal itself echoes the answers. */
export class LinePrompt {
  readonly #stderr: ProcessContext['stderr']
  readonly #readline: Interface
  readonly #lines: AsyncIterator<string>

  constructor({ stdin, stderr }: Pick<ProcessContext, 'stdin' | 'stderr'>) {
    this.#stderr = stderr
    this.#readline = createInterface({ input: stdin, terminal: false })
    this.#lines = this.#readline[Symbol.asyncIterator]()
  }

  /**
   * Writes the question to stderr, and returns the answer without surrounding whitespace.
   *
   * @throws {UsageError} if the input ends without a line.
   */
  async ask(question: string): Promise<string> {
    this.#stderr.write(question)
    const { done, value } = await this.#lines.next()
    if (done === true) throw new UsageError('the input ended before a line was entered')
    return value.trim()
  }

  close(): void {
    this.#readline.close()
  }
}
