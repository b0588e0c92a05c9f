/** Reads a token or a secret from standard input. */

import type { ProcessContext } from './context.js'
import { UsageError } from './exit-code.js'

/** Maximum size of the input, in bytes: twice the largest value of the option `maxTokenLength`. */
const MAX_BYTES = 131_072

/**
 * Returns the whole input, decoded as UTF-8.
 *
 * @throws {UsageError} if the input is larger than {@link MAX_BYTES}.
 */
export async function readStandardInput({ stdin }: Pick<ProcessContext, 'stdin'>): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stdin) {
    const read = Buffer.from(chunk)
    bytes += read.length
    if (bytes > MAX_BYTES)
      throw new UsageError(
        `standard input has more than ${MAX_BYTES} bytes: pass only the token or the secret`,
      )
    chunks.push(read)
  }
  return Buffer.concat(chunks).toString('utf8')
}
