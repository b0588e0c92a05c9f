/**
 * Prepares all tokens of a run. Signs them once, in one thread per CPU, and keeps them in the
 * system's temporary folder for a week. The private keys are not stored.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { HOSTILE, hostileTokens } from './hostile.js'
import { generateKey, TOKEN_LENGTH } from './jwt.js'
import { linesOf } from './token-list.js'

const DAY_SECONDS = 86_400
const FORMAT = 2
const SIGNED_WITH = { known: 'RS256', 'known-20000': 'RS256', expired: 'RS256' }
/** The lists use disjoint numbers, otherwise a new token could equal a known one. */
const FIRST_NUMBER = { known: 10_000_000, 'known-20000': 20_000_000 }

/**
 * @param counts the number of tokens in each list: `known`, `known-20000`, `expired`, `new-RS256`
 *   and the other algorithms, and the keys of `HOSTILE`.
 * @returns {Promise<{ jwks: object, lists: Record<string, { file: string, count: number, length: number }> }>}
 */
export async function prepareTokens(issuer, counts) {
  const parameters = JSON.stringify({ FORMAT, TOKEN_LENGTH, issuer, counts })
  const name = createHash('sha256').update(parameters).digest('hex').slice(0, 16)
  const folder = join(tmpdir(), 'fastify-resource-server-bench', name)
  const index = join(folder, 'index.json')
  const now = Math.floor(Date.now() / 1000)
  if (existsSync(index)) {
    const cached = JSON.parse(readFileSync(index, 'utf8'))
    if (cached.mintedAt > now - 7 * DAY_SECONDS) return cached
  }

  const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
  console.log(`Signing ${total.toLocaleString('en')} tokens, kept for a week in ${folder}`)
  const unfinished = `${folder}.${process.pid}`
  mkdirSync(unfinished, { recursive: true, mode: 0o700 })
  const keys = Object.fromEntries(
    ['RS256', 'ES256', 'PS256', 'EdDSA'].map((algorithm) => [algorithm, generateKey(algorithm)]),
  )
  const lists = {}
  for (const [list, count] of Object.entries(counts)) {
    const tokens = await mint(list, { keys, issuer, now, count })
    writeFileSync(join(unfinished, list), linesOf(tokens), 'latin1')
    lists[list] = { file: join(folder, list), count, length: tokens[0].length }
  }
  const jwks = { keys: Object.values(keys).map(({ jwk }) => jwk) }
  const prepared = { mintedAt: now, jwks, lists }
  writeFileSync(join(unfinished, 'index.json'), JSON.stringify(prepared))
  rmSync(folder, { recursive: true, force: true })
  renameSync(unfinished, folder)
  return prepared
}

async function mint(list, { keys, issuer, now, count }) {
  if (Object.hasOwn(HOSTILE, list)) {
    const times = { issuer, issuedAt: now, lifetime: 30 * DAY_SECONDS }
    return hostileTokens(HOSTILE[list], { key: keys.RS256, count, ...times })
  }
  const key = keys[SIGNED_WITH[list] ?? list.replace('new-', '')]
  const first = FIRST_NUMBER[list] ?? 0
  const issuedAt = list === 'expired' ? now - 2 * DAY_SECONDS : now
  const lifetime = list === 'expired' ? DAY_SECONDS : 30 * DAY_SECONDS
  return signInThreads(key, { issuer, issuedAt, lifetime, first, count })
}

async function signInThreads({ algorithm, kid, privateKey }, { first, count, ...times }) {
  const threads = availableParallelism()
  const share = Math.ceil(count / threads)
  const parts = await Promise.all(
    Array.from({ length: threads }, (_, thread) => {
      const from = first + Math.min(count, thread * share)
      const to = first + Math.min(count, (thread + 1) * share)
      const workerData = { key: { algorithm, kid, privateKey }, from, to, ...times }
      return new Promise((resolve, reject) => {
        const worker = new Worker(new URL('./mint-worker.js', import.meta.url), { workerData })
        worker.once('message', resolve).once('error', reject)
      })
    }),
  )
  return parts.flat()
}
