import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import type { AccessToken } from '../../src/access-token/access-token.js'
import { unwrap } from '../../src/errors/result.js'
import type { Issuer } from '../../src/issuer/issuer.js'
import { TenantIssuers, type TenantIssuersOptions } from '../../src/issuer/tenant-issuers.js'
import { collectUnhandledRejections, settled } from '../fixtures/rejections.js'

const unhandledRejections = collectUnhandledRejections(t)

const A = 'https://a.example'
const B = 'https://b.example'
const UNTRUSTED = { name: 'InvalidTokenError', check: 'issuer' }

function tenants(
  callResolver: TenantIssuersOptions['callResolver'],
  options: Partial<TenantIssuersOptions> = {},
) {
  const it = {
    now: 1_000_000,
    calls: [] as string[],
    assembled: [] as Issuer[],
    closed: [] as Issuer[],
    issuers: undefined as unknown as TenantIssuers,
    resolve: async (iss: unknown, context?: unknown) => {
      const resolving = it.issuers.resolve({ iss }, context)
      // A promise rejects with a rejection, and never resolves to one.
      return resolving instanceof Promise ? resolving : unwrap(resolving)
    },
  }
  it.issuers = new TenantIssuers({
    callResolver(iss, context) {
      it.calls.push(iss)
      return callResolver(iss, context)
    },
    async assemble(iss, resolution) {
      if (resolution === 'garbage') throw new TypeError(`no sense for ${iss}`)
      const issuer = {
        issuer: iss,
        keys: { close: async () => void it.closed.push(issuer) },
      } as unknown as Issuer
      it.assembled.push(issuer)
      return issuer
    },
    closeKeySets: async () => {},
    dependsOnContext: false,
    maxEntries: 100,
    cacheMaxAge: 300_000,
    negativeCacheMaxAge: 60_000,
    now: () => it.now,
    ...options,
  })
  return it
}

const token = (issuer: string) => ({ issuer }) as AccessToken

t.test('caches a resolution for cacheMaxAge, and returns it synchronously', async (t) => {
  const it = tenants(() => true)
  const issuer = await it.resolve(A)
  t.equal(it.issuers.resolve({ iss: A }, undefined), issuer)
  it.now += 299_999
  t.equal(it.issuers.resolve({ iss: A }, undefined), issuer)
  t.ok(it.issuers.stillTrusts(issuer, token(A)))
  t.notOk(it.issuers.stillTrusts(issuer, token(B)))
  it.now += 1
  t.notOk(it.issuers.stillTrusts(issuer, token(A)))
  t.equal(await it.resolve(A), issuer, 'equal resolution, same keys')
  t.same(it.calls, [A, A])
  t.ok(it.issuers.stillTrusts(issuer, token(A)))
  t.same(it.issuers.issuers(), [issuer])
})

t.test('closes the keys of an issuer that is no longer trusted or has other options', async (t) => {
  let resolution: unknown = { audience: 'a' }
  const it = tenants(() => resolution, { cacheMaxAge: 1_000, negativeCacheMaxAge: 1_000 })
  const first = await it.resolve(A)
  resolution = { audience: 'b' }
  t.equal(await it.resolve(A), first)
  it.now += 1_000
  const second = await it.resolve(A)
  t.not(second, first)
  t.notOk(it.issuers.stillTrusts(first, token(A)))
  t.ok(it.issuers.stillTrusts(second, token(A)))
  await settled()
  t.same(it.closed, [first])
  t.same(it.issuers.issuers(), [second])
  resolution = false
  it.now += 1_000
  await t.rejects(it.resolve(A), UNTRUSTED)
  await settled()
  t.same(it.closed, [first, second])
  t.same(it.issuers.issuers(), [])
  resolution = true
  await t.rejects(it.resolve(A), UNTRUSTED, 'for negativeCacheMaxAge')
  it.now += 1_000
  t.equal((await it.resolve(A)).issuer, A)
})

t.test(
  'caches an untrusted issuer for negativeCacheMaxAge, and rejects synchronously',
  async (t) => {
    for (const no of [undefined, null, false]) {
      const it = tenants(async () => no)
      await t.rejects(it.resolve(A), UNTRUSTED)
      it.now += 59_999
      t.match(it.issuers.resolve({ iss: A }, undefined), UNTRUSTED)
      t.equal(it.calls.length, 1)
      it.now += 1
      await t.rejects(it.resolve(A), UNTRUSTED)
      t.equal(it.calls.length, 2)
    }
  },
)

t.test('rejects an invalid issuer identifier without calling the application', async (t) => {
  const it = tenants(() => true)
  for (const iss of [
    undefined,
    null,
    5,
    [A],
    { toString: () => A },
    '',
    'https://',
    'http:',
    'HTTPS://a.example',
    'https:a.example',
    'HtTp:a.example',
    'ftp://A.example/',
    'ftp://user@a.example',
    'a b',
    'a\u0000',
    'a?b',
    'a#b',
    'acme.com/../evil.com',
    'acme.com/%2e%2e/evil.com',
    '../evil.com',
    '%2E./evil.com',
    'a'.repeat(513),
    `${A}?tenant=1`,
    `${A}#1`,
    `${A} `,
    ` ${A}`,
    `${A}\n`,
    `${A}\r\nx: y`,
    `${A}/\u0000`,
    `${A}/\u2028`,
    `${A}/ü`,
    `${A}/"`,
    `${A}/\\`,
    // A6: identifiers that a string comparison and `fetch` interpret differently.
    ...['/../evil', '/./evil', '/..', '/%2e%2e/evil', '/%2E.', '/.%2e/', '/..;/evil'].map(
      (path) => `${A}/t/good${path}`,
    ),
    `${A}/t/good%2f..%2fevil`,
    `${A}/t/good%5C%2e%2e%5Cevil`,
    A.toUpperCase().replace('HTTPS', 'https'),
    'https://login.example:443/t',
    'http://login.example:80/t',
    'https://user@login.example/t',
    'https://user:password@login.example/t',
    'https://@login.example/t',
    'https://login%2eexample/t',
    'https:///login.example/t',
    'https://0x7f.1/t',
    'https://[0:0:0:0:0:0:0:1]/t',
    'https://login.example:99999/t',
    'https://login.microsoftonline.com/{tenantid}/v2.0',
    `${A}/${'a'.repeat(512)}`,
    `${A}/${'a'.repeat(1_000_000)}`,
  ]) {
    await t.rejects(it.resolve(iss), UNTRUSTED)
    t.notOk(typeof iss === 'string' && it.issuers.mayTrust(iss))
  }
  t.same(it.calls, [])
  t.ok(it.issuers.mayTrust(`${A}/realms/M%C3%BCller/`))
  for (const iss of [
    'https://a.b',
    'https://a.b/',
    'https://a.b:8443',
    'https://a.b/t//',
    'https://a.b/v1..2/.x',
    // B16: FusionAuth, Stytch, Descope, Google, AD FS.
    'acme.com',
    'stytch.com/project-live-6e5b1f0c-1111-4222-8333-944445555666',
    'P2abcDEF123',
    'accounts.google.com',
    'http://adfs.example/adfs/services/trust',
    'urn:acme:issuer',
    'a'.repeat(512),
  ]) {
    t.ok(it.issuers.mayTrust(iss), iss)
  }
  t.equal((await it.resolve('http://[::1]:8080/a')).issuer, 'http://[::1]:8080/a')
})

t.test('collapses concurrent resolutions of one issuer into one call', async (t) => {
  const resolvers: ((resolution: unknown) => void)[] = []
  const it = tenants(() => new Promise((resolve) => resolvers.push(resolve)))
  const waiting = Array.from({ length: 1_000 }, () => it.resolve(A))
  t.equal(it.calls.length, 1)
  resolvers[0]?.(true)
  t.equal(new Set(await Promise.all(waiting)).size, 1)
  t.equal(it.assembled.length, 1)

  t.test('rejects each waiter with an error of its own', async (t) => {
    const rejections = Array.from({ length: 10 }, () => it.resolve(B).catch((error) => error))
    resolvers[1]?.(undefined)
    const errors = await Promise.all(rejections)
    t.equal(new Set(errors).size, 10)
    for (const error of errors) t.match(error, UNTRUSTED)
  })
})

t.test('reports an exception of the application as the cause, and does not cache it', async (t) => {
  const failure = new Error('the database is down')
  for (const fail of [
    () => {
      throw failure
    },
    () => Promise.reject(failure),
  ]) {
    const it = tenants(fail)
    for (let i = 0; i < 2; i++) {
      const waiting = [it.resolve(A), it.resolve(A)]
      for (const outcome of waiting) {
        await t.rejects(outcome, { message: 'The function "issuer" failed', cause: failure })
      }
    }
    t.equal(it.calls.length, 2)
  }
  await settled()
  t.same(unhandledRejections, [])
})

t.test('reports an invalid resolution with a fixed message, and does not cache it', async (t) => {
  const circular: Record<string, unknown> = {}
  circular.self = circular
  for (const [returned, cause] of [
    ['garbage', /^no sense for https:/],
    [circular, /circular/],
  ] as const) {
    let resolution: unknown = returned
    const it = tenants(() => resolution)
    const error = await it.resolve(A).catch((error) => error)
    t.match(error, {
      name: 'TypeError',
      message: 'the function "issuer" returned an invalid result: see the "cause" of this error',
      cause: { message: cause },
    })
    resolution = true
    t.equal((await it.resolve(A)).issuer, A)
  }
  await settled()
  t.same(unhandledRejections, [])
})

t.test('accepts any thenable as a resolution', async (t) => {
  // Like a query builder.
  const query = new (class Query {})()
  Object.defineProperty(query, 'then', {
    value: (done: (resolution: unknown) => void) => done(true),
  })
  const it = tenants(() => query)
  t.equal((await it.resolve(A)).issuer, A)
})

t.test('resolves an issuer again after an invalid resolution evicted it', async (t) => {
  const it = tenants((iss) => (iss === B ? 'garbage' : true), { maxEntries: 1 })
  const first = await it.resolve(A)
  await t.rejects(it.resolve(B), TypeError)
  await settled()
  t.same(it.closed, [first])
  t.notOk(it.issuers.stillTrusts(first, token(A)))
  t.not(await it.resolve(A), first)
})

t.test('evicts and closes the least recently used issuer beyond maxEntries', async (t) => {
  const it = tenants(() => true, { maxEntries: 2 })
  const a = await it.resolve(A)
  const b = await it.resolve(B)
  t.equal(await it.resolve(A), a, 'it is in use')
  await it.resolve('https://c.example')
  await settled()
  t.same(it.closed, [b])
  t.ok(it.issuers.stillTrusts(a, token(A)))
  t.notOk(it.issuers.stillTrusts(b, token(B)))
  t.equal(it.issuers.issuers().length, 2)
  t.not(await it.resolve(B), b)
})

t.test('lets only admitted issuers evict admitted ones', async (t) => {
  const it = tenants(() => true, { maxEntries: 2 })
  const a = await it.resolve(A)
  it.issuers.admit(a)
  it.issuers.admit(a)
  for (let i = 0; i < 10; i++) await it.resolve(`${B}/${i}`)
  t.equal(await it.resolve(A), a)
  t.ok(it.issuers.stillTrusts(a, token(A)))
  t.same(
    it.calls.filter((iss) => iss === A),
    [A],
  )
  t.equal(it.issuers.issuers().length, 3, 'two issuers that are not admitted are kept as well')
  for (let i = 0; i < 2; i++) it.issuers.admit(await it.resolve(`${B}/${i}`))
  await settled()
  t.notOk(it.issuers.stillTrusts(a, token(A)))
  t.ok(it.closed.includes(a))
  it.issuers.admit(a)
  t.notOk(it.issuers.stillTrusts(a, token(A)), 'a closed issuer is not trusted again')
})

t.test('replaces the cached resolution of an admitted issuer if it changes', async (t) => {
  let resolution: unknown = { audience: 'a' }
  const it = tenants(() => resolution, { cacheMaxAge: 1_000 })
  const first = await it.resolve(A)
  it.issuers.admit(first)
  resolution = { audience: 'b' }
  it.now += 1_000
  const second = await it.resolve(A)
  await settled()
  t.same(it.closed, [first])
  t.ok(it.issuers.stillTrusts(second, token(A)))
})

t.test('closes an issuer that is evicted during its assembly', async (t) => {
  const it = tenants(() => true, { maxEntries: 1, dependsOnContext: true })
  await Promise.all([it.resolve(A), it.resolve(B)])
  await settled()
  t.equal(it.assembled.length, 2)
  t.same(it.closed, it.assembled.slice(0, 1))
})

t.test('close() closes all issuers, and those assembled afterwards', async (t) => {
  let resolution: (resolution: unknown) => void = () => {}
  const it = tenants((iss) => iss === A || new Promise((resolve) => (resolution = resolve)))
  const a = await it.resolve(A)
  const waiting = it.resolve(B)
  await it.issuers.close()
  t.same(it.closed, [a])
  resolution(true)
  const b = await waiting
  t.same(it.closed, [a, b])
})

t.test(
  'calls the application for each token, and caches nothing, if it uses the context',
  async (t) => {
    const it = tenants((_iss, context) => context, { dependsOnContext: true })
    const one = { audience: 'one' }
    const two = { audience: 'two' }
    const [first, second, none] = await Promise.allSettled(
      [one, two, undefined].map((context) => it.resolve(A, context)),
    )
    t.equal(first?.status, 'fulfilled')
    t.equal(second?.status, 'fulfilled')
    t.match(none, { status: 'rejected', reason: UNTRUSTED })
    t.equal(it.assembled.length, 2)
    t.equal(
      await it.resolve(A, { audience: 'one' }),
      it.assembled[0],
      'equal resolution, same keys',
    )
    t.equal(it.assembled.length, 2)
    t.notOk(
      it.issuers.stillTrusts(it.assembled[0] as Issuer, token(A)),
      'no cached result is reused',
    )
    await t.rejects(it.resolve(A, false), UNTRUSTED)
    t.equal(await it.resolve(A, one), it.assembled[0], 'a rejection applies to one context only')
    t.equal(it.calls.length, 6)
  },
)

t.test(
  'calls the application once per untrusted issuer, and bounds the negative cache',
  async (t) => {
    let calls = 0
    const issuers = new TenantIssuers({
      callResolver: () => void calls++,
      assemble: async () => t.fail() as never,
      closeKeySets: async () => {},
      dependsOnContext: false,
      maxEntries: 100,
      cacheMaxAge: 300_000,
      negativeCacheMaxAge: 60_000,
      now: () => 1_000_000,
    })
    setFlagsFromString('--expose-gc')
    const gc = runInNewContext('gc') as () => void
    const heapAfter = async (from: number) => {
      for (let i = from; i < from + 20_000; i++) {
        const iss = Buffer.from(`${A}/${i}/${'x'.repeat(400)}`).toString('latin1')
        await Promise.resolve(issuers.resolve({ iss }, undefined)).catch(() => {})
      }
      gc()
      return process.memoryUsage().heapUsed
    }
    const full = await heapAfter(0)
    const later = await heapAfter(20_000)
    t.equal(calls, 40_000)
    t.ok(later - full < 5_000_000, `${later - full} bytes more`)
  },
)
