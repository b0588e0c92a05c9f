/**
 * Token lists in files: one token per line, all of one length, so that one read returns any part.
 */
import { closeSync, openSync, readSync } from 'node:fs'

export function readTokens({ file, length }, first, count) {
  const line = length + 1
  const bytes = Buffer.allocUnsafe(count * line)
  const descriptor = openSync(file)
  const read = readSync(descriptor, bytes, 0, bytes.length, first * line)
  closeSync(descriptor)
  if (read !== bytes.length) throw new Error(`${file} has fewer than ${first + count} tokens`)
  return bytes.latin1Slice(0, bytes.length - 1).split('\n')
}

export function linesOf(tokens) {
  const [{ length }] = tokens
  const deviating = tokens.find((token) => token.length !== length)
  if (deviating !== undefined) {
    throw new Error(`Token lengths differ: ${length} and ${deviating.length} characters`)
  }
  return `${tokens.join('\n')}\n`
}
