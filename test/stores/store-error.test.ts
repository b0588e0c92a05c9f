/** E32: errors of an application's store are logged without keys, values and arguments. */
import { createHash } from 'node:crypto'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { createResourceServer, type ResourceServerOptions } from '../../src/index.js'
import { StoreError } from '../../src/stores/store-error.js'
import { proofFor } from '../fixtures/bound-token.js'
import { faultyStore } from '../fixtures/faulty-store.js'
import { given, key, tokenOf } from '../fixtures/protected-api.js'

const HASH = createHash('sha256').update('a').digest('base64url')

/** An error as clients create it: with the arguments of the call. */
function clientError(args: readonly unknown[]) {
  const json = JSON.stringify(args)
  return Object.assign(
    new RangeError(
      `EVALSHA of redis://api:s3cret@cache.example:6379 failed for ${HASH}, with args beginning with: ${json}`,
    ),
    { code: 'E_CLIENT', command: { name: 'set', args }, cause: new Error(json), detail: HASH },
  )
}

const METHODS = [
  'add',
  'get',
  'set',
  'delete',
  'list',
  'mergeRevocations',
  'revocationsSince',
  'publish',
  'subscribe',
] as const

function failingStore() {
  const store = faultyStore() as unknown as Record<string, unknown>
  for (const [i, method] of METHODS.entries()) {
    store[method] = (...args: unknown[]) => {
      // Synchronously and asynchronously.
      if (i % 2 === 0) throw clientError([...args, HASH])
      return Promise.reject(clientError([...args, HASH]))
    }
  }
  store.listRevocations = () => {
    throw clientError([HASH])
  }
  return store as never
}

t.test('no log line and no status contains the arguments of store calls', async (t) => {
  const lines: { err: StoreError }[] = []
  const keyStore = {
    load: () => Promise.reject(clientError([HASH])),
    save: () => {
      throw clientError([HASH])
    },
  }
  const store = failingStore()
  const fetch = async () => Response.json({ keys: [key.publicJwk] })
  const common = {
    ...(given() as ResourceServerOptions),
    logger: { warn: (details: object) => void lines.push(details as never) },
  }
  const server = await createResourceServer({
    ...common,
    dpop: 'allowed',
    stores: { replay: store, revocations: store },
    revocations: { untilLoaded: 'dangerouslyAccept' },
  })
  t.teardown(() => server.close())
  const rejected = await server.verify(await proofFor()).catch((error) => error)
  t.match(rejected, { name: 'StoreUnavailableError', cause: { name: 'RangeError' } })
  await t.rejects(server.revoke({ sub: 'ada' }), { cause: { code: 'E_CLIENT' } })
  const jwksUri = 'https://issuer.example/jwks'
  const fetching = await createResourceServer({
    ...common,
    jwksUri,
    jwks: { fetch, store: keyStore },
  })
  await fetching.verify(await tokenOf())
  await fetching.close()

  t.ok(lines.length >= 4, `${lines.length} lines`)
  for (const error of [...lines.map(({ err }) => err), rejected.cause]) {
    t.match(error, {
      name: 'RangeError',
      code: 'E_CLIENT',
      message: 'EVALSHA of redis://…@cache.example:6379 failed for …',
    })
    t.same(Object.keys(error).sort(), ['code', 'name'])
    t.notMatch(`${error.stack} ${error.cause}`, HASH)
    t.notMatch(String(error.stack), 's3cret')
  }
  for (const { lastError } of server.storeStatus()) {
    t.equal(lastError, 'EVALSHA of redis://…@cache.example:6379 failed for …')
  }
  t.notMatch(JSON.stringify([rejected.reason, lines]), HASH)
})

t.test('an error states the cause, regardless of the thrown value', async (t) => {
  const unreadable = {
    get message(): never {
      throw new Error('unreadable')
    },
  }
  for (const [thrown, expected] of [
    [new Error('no connection'), { name: 'Error', code: undefined, message: 'no connection' }],
    [Object.assign(new Error('gone'), { code: 11600 }), { code: 11600, message: 'gone' }],
    [
      Object.assign(new Error('gone'), { code: 'store_indeterminate' }),
      { code: 'store_indeterminate' },
    ],
    [Object.assign(new Error('gone'), { code: `${HASH}` }), { code: undefined }],
    [Object.assign(new Error('gone'), { code: { HASH } }), { code: undefined }],
    [Object.assign(new Error('gone'), { name: `Error of ${HASH}` }), { name: 'StoreError' }],
    [runInNewContext('new TypeError("of another realm")'), { message: 'of another realm' }],
    [new AggregateError([], ''), { name: 'AggregateError', message: 'no reason given' }],
    [new Error(`a${HASH}b ${'c'.repeat(10_000)}`), { message: '… …' }],
    [new Error('word '.repeat(1_000)), { message: 'word '.repeat(100) }],
    [unreadable, { name: 'StoreError', message: 'no reason given' }],
    ['no error', { name: 'StoreError', message: 'no reason given' }],
    [null, { message: 'no reason given' }],
    [undefined, { message: 'no reason given' }],
  ] as const) {
    t.match(new StoreError(thrown), expected)
  }
})
