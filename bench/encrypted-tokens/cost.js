/**
 * Measures `verify()` for each kind of hostile encrypted token, one after the other, and jose's
 * `compactDecrypt` with the same keys and algorithms as the lower bound.
 */
import { randomBytes } from 'node:crypto'
import { compactDecrypt } from 'jose'
import { createResourceServer } from '../../dist/index.js'
import { cpuTime } from '../cpu-time.js'
import { serveCalls } from '../ipc.js'
import { AUDIENCE } from '../jwt.js'
import { rotate, summary } from '../statistics.js'
import { forged, HOSTILE_JWE, hostileJwe, withTag } from './hostile-jwe.js'
import { encrypt, jwtOf, makeKeys, optionsWith } from './keys.js'

/** Distinct tokens of each kind; the measurement repeats them, because no rejection is cached. */
const DISTINCT = 20
/** A part of the decryptions that the API queues at a time. */
const QUEUE = 200
/** The tokens of a kind in a round, in characters. */
const MAX_CHARACTERS = 2 ** 24

const ISSUER = 'https://issuer.example/oauth2/default'

serveCalls({
  async measure({ quick }) {
    const keys = makeKeys()
    return {
      costs: await costs(keys, quick ? { rounds: 3, count: 100 } : { rounds: 15, count: 100 }),
      memory: await memory(keys, quick ? 2_000 : 10_000),
    }
  },
})

async function costs(keys, { rounds, count }) {
  const server = await createResourceServer({ ...serverOptions(keys), tokenCache: false })
  const subjects = await subjectsOf(server, keys)
  const names = Object.keys(subjects)
  const samples = Object.fromEntries(names.map((name) => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const name of rotate(names, round)) {
      const measured = await measureOnce(subjects[name], count)
      // Discards the first round as warm-up.
      if (round > 0) samples[name].push(measured)
    }
  }
  await server.close()
  return Object.fromEntries(names.map((name) => [name, summaries(samples[name])]))
}

function summaries(samples) {
  const quantities = Object.keys(samples[0])
  return Object.fromEntries(
    quantities.map((quantity) => [quantity, summary(samples.map((one) => one[quantity]))]),
  )
}

async function subjectsOf(server, keys) {
  const jwts = Array.from({ length: DISTINCT }, (_, i) => jwtOf(keys.signer, ISSUER, i))
  const kinds = {
    'valid encrypted token, RSA 2048': {
      check: 'accepted',
      tokens: await Promise.all(jwts.map((jwt) => encrypt(jwt, keys.decryption['RSA 2048']))),
    },
    'valid encrypted token, P-256': {
      check: 'accepted',
      tokens: await Promise.all(jwts.map((jwt) => encrypt(jwt, keys.decryption['P-256']))),
    },
    'plain JWT with a random signature': { check: 'signature', tokens: jwts.map(forged) },
  }
  for (const [name, kind] of Object.entries(HOSTILE_JWE)) {
    kinds[name] = { ...kind, tokens: await hostileJwe(kind, keys, ISSUER, DISTINCT) }
  }
  const subjects = {}
  for (const [name, { check, tokens }] of Object.entries(kinds)) {
    const work = verifying(server, check)
    const isEncrypted = tokens[0].split('.').length === 5
    subjects[name] = { tokens, work, limit: isEncrypted ? decryptingWithJose(keys) : undefined }
  }
  return subjects
}

function verifying(server, expected) {
  return async (token) => {
    const result = await server.verify(token).then(
      () => 'accepted',
      ({ check }) => check,
    )
    if (result !== expected) throw new Error(`Expected "${expected}", got "${result}"`)
  }
}

function decryptingWithJose({ decryption }) {
  return (token) => {
    const [header] = token.split('.', 1)
    const { alg, privateKey } = decryption[JSON.parse(Buffer.from(header, 'base64url')).kid]
    const options = { keyManagementAlgorithms: [alg] }
    return compactDecrypt(token, privateKey, options).catch(() => undefined)
  }
}

async function measureOnce({ tokens, work, limit }, maxCount) {
  const count = Math.min(maxCount, Math.ceil(MAX_CHARACTERS / tokens[0].length))
  const ours = await repeat(tokens, count, work)
  if (limit === undefined) return ours
  const jose = await repeat(tokens, count, limit)
  return {
    ...ours,
    joseTotal: jose.total,
    joseMainThread: jose.mainThread,
    joseAllocated: jose.allocated,
  }
}

/** Returns the cost of one call, in microseconds and bytes. */
async function repeat(tokens, count, work) {
  collectGarbage()
  const memoryBefore = usedMemory()
  const cpuBefore = cpuTime()
  const before = performance.now()
  for (let i = 0; i < count; i++) await work(tokens[i % tokens.length])
  const wall = (performance.now() - before) * 1_000
  const cpu = cpuTime()
  const allocated = usedMemory() - memoryBefore
  return {
    wall: wall / count,
    total: (cpu.total - cpuBefore.total) / count,
    mainThread: (cpu.mainThread - cpuBefore.mainThread) / count,
    allocated: allocated / count,
  }
}

/**
 * Returns the memory that a full queue of the longest tokens takes, and the memory that a token
 * leaves behind, in bytes.
 */
async function memory(keys, count) {
  const server = await createResourceServer(serverOptions(keys))
  const longest = HOSTILE_JWE['longest token, changed tag, RSA 2048']
  const [token] = await hostileJwe(longest, keys, ISSUER, 1)
  const verify = verifying(server, longest.check)
  const send = async (number) => {
    const tokens = Array.from({ length: number }, () => withTag(token, randomBytes(16)))
    const before = usedMemory()
    const verified = Promise.all(tokens.map(verify))
    const used = usedMemory() - before
    await verified
    return used
  }
  await send(QUEUE)
  collectGarbage()
  const before = usedMemory()
  const fullQueue = await send(QUEUE)
  for (let sent = QUEUE; sent < count; sent += QUEUE) await send(QUEUE)
  collectGarbage()
  const retained = (usedMemory() - before) / count
  await server.close()
  return { fullQueue, retained }
}

/** Twice, because the first collection only finalizes some of the buffers outside of the heap. */
function collectGarbage() {
  globalThis.gc()
  globalThis.gc()
}

function usedMemory() {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function serverOptions(keys) {
  const jwks = { keys: [keys.signer.jwk] }
  return { issuer: ISSUER, audience: AUDIENCE, jwks, decryption: optionsWith(keys) }
}
