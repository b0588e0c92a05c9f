/** Reads keys and secrets from files, because process lists show the arguments of all users' commands. */
import { readFile } from 'node:fs/promises'
import type { JWK } from 'jose'
import { parseJsonObject } from '../base/json-object.js'
import { ownMember } from '../base/plain-object.js'
import { UsageError } from './exit-code.js'

/**
 * Returns the JWK in the file, or otherwise its PEM text.
 *
 * @throws {UsageError} if the file cannot be read or contains neither. The message contains no part
 *   of the file.
 */
export async function readKeyFile(flag: string, file: string): Promise<JWK | string> {
  const key = await readKey(file)
  if (key !== undefined) return key
  throw new UsageError(`--${flag} must name a readable file that contains one JWK or PEM text`)
}

/**
 * Returns the keys of the JWK Set in the file, or its only key.
 *
 * @throws {UsageError} as {@link readKeyFile}.
 */
export async function readKeysFile(flag: string, file: string): Promise<readonly (JWK | string)[]> {
  const key = await readKey(file)
  const members = typeof key === 'object' ? ownMember(key, 'keys') : undefined
  const keys = Array.isArray(members) ? members : [key].filter((one) => one !== undefined)
  if (keys.length > 0) return keys
  throw new UsageError(
    `--${flag} must name a readable file that contains a JWK, a JWK Set with keys, or one PEM text`,
  )
}

/**
 * Returns the bytes of the file without the line break at their end.
 *
 * @throws {UsageError} if the file cannot be read or contains no secret.
 */
export async function readSecretFile(flag: string, file: string): Promise<Uint8Array> {
  const text = await readFile(file, 'latin1').catch(() => '')
  const secret = Buffer.from(text.replace(/\r?\n$/, ''), 'latin1')
  if (secret.length > 0) return secret
  throw new UsageError(`--${flag} must name a readable file that contains a secret`)
}

async function readKey(file: string): Promise<Record<string, unknown> | string | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return text.includes('-----BEGIN ') ? text : parseJsonObject(text)
}
