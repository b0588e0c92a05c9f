/** Tokens are decrypted in one thread, and on the event loop if there is no thread. */
import { spawnSync } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { MessageChannel, type Worker } from 'node:worker_threads'
import t, { type Test } from 'tap'
import type { ThreadedDecryption } from '../../src/decryption/threaded-decryption.js'
import { encrypt, encryptionKey } from '../fixtures/encryption.js'

const [first, second] = await Promise.all([
  encryptionKey('RSA-OAEP-256', '1'),
  encryptionKey('ECDH-ES', '2'),
])
const KEY_RING = {
  keys: [
    { material: first.privateKey, algorithms: ['RSA-OAEP-256'] },
    { material: second.privateKey, algorithms: ['ECDH-ES'] },
  ],
  contentEncryptionAlgorithms: ['A256GCM'],
}
const forFirst = (text: string) => encrypt(text, first.publicKey, { alg: 'RSA-OAEP-256' })
const forSecond = (text: string) => encrypt(text, second.publicKey, { alg: 'ECDH-ES' })
const plaintexts = (decryptions: readonly { plaintext: string | undefined }[]) =>
  decryptions.map(({ plaintext }) => plaintext)

/** Returns a function that creates key rings in a thread that no other test uses. */
async function keyRings(t: Test, mocks: Record<string, unknown> = {}) {
  const path = '../../src/decryption'
  const thread = await t.mockImport<object>(`${path}/decryption-thread.js`, mocks)
  const { ThreadedDecryption } = await t.mockImport<
    typeof import('../../src/decryption/threaded-decryption.js')
  >(`${path}/threaded-decryption.js`, { [`${path}/decryption-thread.js`]: thread })
  return (keyRing = KEY_RING): { decryption: ThreadedDecryption; failures: unknown[] } => {
    const failures: unknown[] = []
    const decryption = new ThreadedDecryption(keyRing, (error) => failures.push(error))
    t.teardown(() => decryption.close())
    return { decryption, failures }
  }
}

function startedWorkers(t: Test): Worker[] {
  const started: Worker[] = []
  const onWorker = (worker: Worker) => started.push(worker)
  process.on('worker', onWorker)
  t.teardown(() => process.off('worker', onWorker))
  return started
}

t.test('decrypts in one thread, and returns each plaintext to its caller', async (t) => {
  const started = startedWorkers(t)
  const create = await keyRings(t)
  const { decryption, failures } = create()
  const texts = Array.from({ length: 40 }, (_, i) => `content ${i}`)
  const tokens = await Promise.all(texts.map((text, i) => (i % 2 ? forFirst : forSecond)(text)))
  const decrypted = await Promise.all(
    tokens.map((raw) => decryption.decrypt({ raw, keyIndexes: [0, 1] })),
  )
  t.same(plaintexts(decrypted), texts)
  t.same(new Set(decrypted.map(({ attempts }) => attempts)), new Set([1, 2]))
  t.equal(started.length, 1)
  t.same(failures, [])
})

t.test('uses only the given keys, and those of no other key ring', async (t) => {
  const started = startedWorkers(t)
  const create = await keyRings(t)
  const { decryption } = create()
  const other = create({ ...KEY_RING, keys: KEY_RING.keys.slice(0, 1) }).decryption
  const raw = await forSecond('content')
  const failed = { plaintext: undefined, attempts: 1 }
  t.same(await decryption.decrypt({ raw, keyIndexes: [0] }), failed)
  t.same(await other.decrypt({ raw, keyIndexes: [0, 1] }), failed)
  t.same(await decryption.decrypt({ raw, keyIndexes: [1] }), { plaintext: 'content', attempts: 1 })
  t.equal(started.length, 1, 'both use one thread')

  const [worker] = started
  const exit = once(worker as Worker, 'exit')
  await other.close()
  t.same(await decryption.decrypt({ raw, keyIndexes: [1] }), { plaintext: 'content', attempts: 1 })
  await decryption.close()
  await exit
})

t.test('close() loses no decryption', async (t) => {
  const create = await keyRings(t)
  const { decryption, failures } = create()
  await decryption.decrypt({ raw: await forFirst('started'), keyIndexes: [0] })
  const tokens = await Promise.all(Array.from({ length: 10 }, (_, i) => forFirst(`${i}`)))
  const inFlight = tokens.map((raw) => decryption.decrypt({ raw, keyIndexes: [0] }))
  await decryption.close()
  t.same(plaintexts(await Promise.all(inFlight)), [...tokens.keys()].map(String))
  const raw = await forFirst('later')
  t.same(await decryption.decrypt({ raw, keyIndexes: [0] }), { plaintext: 'later', attempts: 1 })
  t.same(await decryption.decrypt({ raw, keyIndexes: [1] }), { plaintext: undefined, attempts: 1 })
  await decryption.close()
  t.same(failures, [])
})

t.test('starts a thread again after the last one ended', async (t) => {
  const started = startedWorkers(t)
  const create = await keyRings(t)
  for (const text of ['a', 'b']) {
    const { decryption } = create()
    const { plaintext } = await decryption.decrypt({ raw: await forFirst(text), keyIndexes: [0] })
    t.equal(plaintext, text)
    await decryption.close()
  }
  t.equal(started.length, 2)
})

/** Replaces the class `Worker` of Node. */
const withWorker = (t: Test, Worker: unknown) => keyRings(t, { 'node:worker_threads': { Worker } })

t.test('decrypts on the event loop if no thread can be started', async (t) => {
  const denied = new Error('Access to this API has been restricted')
  const createDenied = await withWorker(
    t,
    class {
      constructor() {
        throw denied
      }
    },
  )
  const { decryption, failures } = createDenied()
  for (const text of ['a', 'b']) {
    const { plaintext } = await decryption.decrypt({ raw: await forFirst(text), keyIndexes: [0] })
    t.equal(plaintext, text)
  }
  t.same(failures, [denied], 'reported once')
})

/** A thread that ends when it gets a token. */
class EndingWorker extends EventEmitter {
  ref() {}
  unref() {}
  async terminate() {}

  postMessage({ type, id }: { type: string; id: number }) {
    if (type === 'decrypt') setImmediate(() => this.end(id))
  }

  end(id: number) {
    this.emit('error', new Error('out of memory'))
    this.emit('exit', 1)
    this.emit('message', { id, decryption: { plaintext: 'late', attempts: 1 } })
  }
}

t.test('decrypts on the event loop if the thread ends by itself', async (t) => {
  const createEnding = await withWorker(t, EndingWorker)
  const [one, other] = [createEnding(), createEnding()]
  const texts = ['a', 'b', 'c']
  const tokens = await Promise.all(texts.map(forFirst))
  const decrypting = [one, other].map(({ decryption }) =>
    Promise.all(tokens.map((raw) => decryption.decrypt({ raw, keyIndexes: [0] }))),
  )
  for (const decrypted of await Promise.all(decrypting)) t.same(plaintexts(decrypted), texts)
  for (const { failures } of [one, other]) {
    t.match(failures, [{ message: 'out of memory' }])
    t.equal(failures.length, 1)
  }

  const createExiting = await withWorker(
    t,
    class extends EndingWorker {
      override end() {
        this.emit('exit', 7)
      }
    },
  )
  const { decryption, failures } = createExiting()
  const { plaintext } = await decryption.decrypt({ raw: await forFirst('d'), keyIndexes: [0] })
  t.equal(plaintext, 'd')
  t.match(failures, [{ message: /exited with code 7/ }])
})

t.test('the program of the thread decrypts with the keys of the key ring', async (t) => {
  const { port1, port2 } = new MessageChannel()
  t.teardown(() => port1.close())
  await t.mockImport('../../src/decryption/decryption-worker.js', {
    'node:worker_threads': { parentPort: port2 },
  })
  port1.postMessage({ type: 'load', ring: 1, keyRing: KEY_RING })
  port1.postMessage({
    type: 'load',
    ring: 2,
    keyRing: { ...KEY_RING, keys: KEY_RING.keys.slice(0, 1) },
  })
  const raw = await forSecond('content')
  for (const ring of [1, 2]) {
    port1.postMessage({ type: 'decrypt', ring, id: ring, raw, keyIndexes: [0, 1] })
  }
  port1.postMessage({ type: 'forget', ring: 1 })
  const responses = new Map<number, object>()
  port1.on('message', ({ id, decryption }) => responses.set(id, decryption))
  while (responses.size < 2) await once(port1, 'message')
  t.same(responses.get(1), { plaintext: 'content', attempts: 2 })
  t.same(responses.get(2), { plaintext: undefined, attempts: 1 })
})

t.test('an idle thread does not keep the process alive, a decryption does', async (t) => {
  const program = `
    import { createResourceServer } from 'fastify-resource-server'
    import { createAuthorizationServer } from 'fastify-resource-server/testing'
    import { generateKeyPairSync } from 'node:crypto'
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const as = await createAuthorizationServer({ encryption: { key: publicKey } })
    const token = await as.issueToken()
    const { keys } = await (await fetch(new URL('v1/keys', as.issuer + '/'))).json()
    await as.close()
    const api = await createResourceServer({
      issuer: as.issuer, audience: 'api://default', jwks: { keys }, decryption: { keys: [privateKey] },
    })
    console.log((await api.verify(token)).subject)`
  const args = ['--input-type=module', '--eval', program]
  const options = { encoding: 'utf8', timeout: 60_000 } as const
  const { stdout, stderr, status } = spawnSync(process.execPath, args, options)
  t.equal(status, 0, stderr)
  t.match(stdout, /^testuser1/)
})
