/** Reads a key from a file, because process lists show the arguments of all users' commands. */
import { readFile } from 'node:fs/promises'
import type { JWK } from 'jose'
import { parseJsonObject } from '../base/json-object.js'
import { UsageError } from './exit-code.js'

/**
 * Returns the JWK in the file, or otherwise its PEM text.
 *
 * @throws {UsageError} if the file cannot be read or contains neither. The message contains no part
 *   of the file.
 */
export async function readKeyFile(flag: string, file: string): Promise<JWK | string> {
  const text = await readFile(file, 'utf8').catch(() => '')
  if (text.includes('-----BEGIN ')) return text
  const jwk = parseJsonObject(text)
  if (jwk !== undefined) return jwk
  throw new UsageError(`--${flag} must name a readable file that contains one JWK or PEM text`)
}
