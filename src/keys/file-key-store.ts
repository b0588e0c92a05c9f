/** Implements a {@link KeyStore} in a directory, with one file per issuer. */
import { createHash, randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isJsonObject } from '../base/json-object.js'
import { ownMembers } from '../base/plain-object.js'
import type { KeyStore, StoredKeySet } from './key-store.js'

/** Options of {@link fileKeyStore}. */
export interface FileKeyStoreOptions {
  /**
   * Path of the directory. The store creates it with mode 0700 if it does not exist. Let no other
   * user write to an existing directory: the store checks only the files in it.
   */
  directory: string
}

/** Maximum size of a file, in bytes: the largest allowed `jwks.maxBytes`. */
const MAX_BYTES = 16_777_216
/** O_NONBLOCK, because opening a named pipe would otherwise block a thread of the pool forever. */
const READ = constants.O_RDONLY | constants.O_NONBLOCK

/**
 * Stores key sets in files with mode 0600. A save replaces the file atomically, so that a crash
 * leaves the previous file intact. A load ignores a file that another user owns or can write to,
 * because that user could add a key and issue tokens; on Windows, this is not checked.
 *
 * @throws {TypeError} if `directory` is not a non-empty string.
 *
 * @example
 * ```ts
 * await app.register(resourceServer, {
 *   issuer,
 *   audience,
 *   jwks: { store: fileKeyStore({ directory: '/var/lib/orders-api' }) },
 * })
 * ```
 */
export function fileKeyStore(options: FileKeyStoreOptions): KeyStore {
  const { directory } = ownMembers(options)
  if (typeof directory !== 'string' || directory === '') {
    throw new TypeError('"directory" must be the path of a directory for the key sets')
  }
  const fileOf = (issuer: string) => join(directory, `${sha256(issuer)}.json`)
  return {
    load: (issuer) => read(fileOf(issuer), issuer),
    save: async (keySet) => {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      await replace(fileOf(keySet.issuer), JSON.stringify(keySet))
    },
  }
}

async function read(file: string, issuer: string): Promise<StoredKeySet | undefined> {
  const text = await readGuarded(file)
  if (text === undefined) return undefined
  const parsed = parse(text)
  const stored = isJsonObject(parsed) ? ownMembers(parsed) : undefined
  if (isStoredKeySet(stored) && stored.issuer === issuer) return { ...stored }
  throw new Error(`${file} ignored: not a key set of ${issuer}`)
}

async function readGuarded(file: string): Promise<string | undefined> {
  const handle = await open(file, READ).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (handle === undefined) return undefined
  try {
    // Checks the open file, because another file may be at the path by now.
    const stats = await handle.stat()
    if (!stats.isFile()) throw new Error(`${file} ignored: not a regular file`)
    const { mode, uid, size } = stats
    if (process.getuid !== undefined && (uid !== process.getuid() || (mode & 0o022) !== 0)) {
      throw new Error(
        `${file} ignored: another user owns it or can write to it. Run chown and chmod 600`,
      )
    }
    if (size > MAX_BYTES) throw new Error(`${file} ignored: larger than ${MAX_BYTES} bytes`)
    return await handle.readFile('utf8')
  } finally {
    await handle.close()
  }
}

async function replace(file: string, text: string): Promise<void> {
  const temporary = `${file}.${randomUUID()}`
  try {
    const handle = await open(temporary, 'wx', 0o600)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isStoredKeySet(value: unknown): value is StoredKeySet {
  return isJsonObject(value) && typeof value.issuer === 'string' && Number.isFinite(value.fetchedAt)
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
