/**
 * Fake clocks and mocks of an application's tests, installed after the registration. sinon, vitest,
 * jest and node:test replace members of `globalThis`.
 */
import { mock } from 'node:test'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { createResourceServer, memoryStore, type PluginOptions } from '../../src/index.js'
import { DPoPClient } from '../fixtures/dpop-client.js'
import { AUDIENCE, ISSUER, makeKey, seconds, sign } from '../fixtures/issuer.js'
import { json, startKeyServer } from '../fixtures/key-server.js'
import { bearer, given, key, protectedApi, tokenOf } from '../fixtures/protected-api.js'

const keys = await Promise.all([makeKey('RS256'), makeKey('ES256')])
const client = await DPoPClient.make()
const MINUTE = 60_000

/** Fake timers, like sinon's default `toFake` and `mock.timers`: they run only when advanced. */
const TIMERS = ['setTimeout', 'setInterval', 'setImmediate'] as const
const [realSetTimeout, realClearTimeout] = [setTimeout, clearTimeout]

/** Replaces members of globalThis until the test ends. */
function replaceGlobals(t: Test, fakes: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(fakes)) {
    const descriptor = Object.getOwnPropertyDescriptor(globalThis, name) as PropertyDescriptor
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true })
    t.teardown(() => Object.defineProperty(globalThis, name, descriptor))
  }
}

/** Returns a class that replaces Date, like that of sinon, standing still at `milliseconds`. */
function dateAt(milliseconds: number): DateConstructor {
  return class extends Date {
    constructor(...args: [] | [number]) {
      super(...((args.length === 0 ? [milliseconds] : args) as [number]))
    }

    static override now(): number {
      return milliseconds
    }
  } as DateConstructor
}

/** Functions that set the clock, by the name of the tool. */
const CLOCKS: Record<string, (t: Test, milliseconds: number) => void> = {
  'a class in the place of Date': (t, milliseconds) =>
    replaceGlobals(t, { Date: dateAt(milliseconds) }),
  'a method in the place of Date.now': (t, milliseconds) => {
    const { now } = Date
    Date.now = () => milliseconds
    t.teardown(() => {
      Date.now = now
    })
  },
  'mock.timers of node:test': (t, milliseconds) => {
    mock.timers.enable({ apis: ['Date'], now: milliseconds })
    t.teardown(() => mock.timers.reset())
  },
}

const status = async (app: FastifyInstance, token: string) =>
  (await app.inject({ url: '/', headers: bearer(token) })).statusCode

for (const [title, setClock] of Object.entries(CLOCKS)) {
  t.test(`${title}, after the registration, is the clock for tokens`, async (t) => {
    const app = await protectedApi(t)
    app.get('/', async () => 'in')
    const times = { iat: seconds() - 600, nbf: seconds() - 300, exp: seconds() + 600 }
    const [known, fresh, early] = await Promise.all(
      ['known', 'new', 'early'].map((jti) => tokenOf({ ...times, jti })),
    )
    t.equal(await status(app, known as string), 200)
    for (const [moment, tokens] of [
      [times.exp * 1000 + MINUTE, [known, fresh]],
      [times.nbf * 1000 - MINUTE, [known, early]],
    ] as const) {
      await t.test(new Date(moment).toISOString(), async (t) => {
        setClock(t, moment)
        for (const token of tokens) t.equal(await status(app, token as string), 401)
      })
    }
    t.equal(await status(app, known as string), 200, 'by the real clock again')
    const expired = await tokenOf({ ...times, exp: seconds() - 60 })
    t.equal(await status(app, expired), 401)
    await t.test('set back', async (t) => {
      setClock(t, (seconds() - 120) * 1000)
      t.equal(await status(app, expired), 200)
    })
  })
}

t.test('checks the age of a DPoP proof by the fake clock', async (t) => {
  const url = 'https://api.example/'
  const app = await protectedApi(t, { dpop: { baseUrl: url, algorithms: ['ES256'] } })
  app.get('/', async () => 'in')
  const token = await tokenOf({ cnf: { jkt: client.jkt }, exp: seconds() + 7_200 })
  const send = async () => {
    const headers = { authorization: `DPoP ${token}`, dpop: await client.proof({ url, token }) }
    return () => app.inject({ url: '/', headers })
  }
  const [now, later] = [await send(), await send()]
  t.equal((await now()).statusCode, 200)
  replaceGlobals(t, { Date: dateAt((seconds() + 3_600) * 1000) })
  const response = await later()
  t.match(response.headers['www-authenticate'], /^DPoP .*error="invalid_dpop_proof"/)
  t.equal((await (await send())()).statusCode, 200, 'created at the time of that clock')
})

t.test('verify() uses the fake clock as well', async (t) => {
  const server = await createResourceServer({
    issuer: ISSUER,
    audience: AUDIENCE,
    jwks: { keys: [key.publicJwk] },
  })
  t.teardown(() => server.close())
  const token = await tokenOf()
  await server.verify(token)
  replaceGlobals(t, { Date: dateAt(Date.now() + 3_600_000) })
  await t.rejects(server.verify(token), { code: 'invalid_token', check: 'expiry' })
})

t.test('globalThis.fetch, replaced after the registration, fetches the keys', async (t) => {
  const app = await protectedApi(t, { jwks: {} })
  app.get('/', async () => 'in')
  const requested: string[] = []
  const metadata = { issuer: ISSUER, jwks_uri: `${ISSUER}/keys` }
  replaceGlobals(t, {
    fetch: async (url: string) => {
      requested.push(url)
      return Response.json(url.endsWith('/keys') ? { keys: [key.publicJwk] } : metadata)
    },
  })
  t.equal(await status(app, await tokenOf()), 200)
  t.same(requested, [`${ISSUER}/.well-known/openid-configuration`, `${ISSUER}/keys`])
})

t.test('globalThis.fetch, replaced after the registration, introspects', async (t) => {
  const endpoint = `${ISSUER}/introspect`
  const introspection = { clientId: 'api', clientSecret: 'secret', endpoint }
  const app = await protectedApi(t, { introspection })
  app.get('/', async () => 'in')
  const requested: string[] = []
  const answerWith = (active: boolean) =>
    replaceGlobals(t, {
      fetch: async (url: string) => {
        requested.push(url)
        const exp = seconds() + 300
        return Response.json(active ? { active, iss: ISSUER, aud: AUDIENCE, exp } : { active })
      },
    })
  answerWith(true)
  t.equal(await status(app, 'opaque-1'), 200)
  answerWith(false)
  t.equal(await status(app, 'opaque-2'), 401, 'the newest of two mocks')
  t.same(requested, [endpoint, endpoint])
})

/** Sets all timers to fakes that never run a callback, and the clock to a fixed time. */
const FAKE_TIMERS: Record<string, (t: Test) => void> = {
  'replaced on globalThis': (t) => {
    const timer = () => ({ ref() {}, unref() {}, hasRef: () => true, refresh() {} })
    const fakes = [...TIMERS, ...TIMERS.map((name) => name.replace('set', 'clear'))]
    const now = Date.now()
    replaceGlobals(t, {
      ...Object.fromEntries(fakes.map((name) => [name, timer])),
      Date: dateAt(now),
      // Like that of sinon: it starts at the time of the fake clock, and stands still.
      performance: { timeOrigin: now, now: () => 0 },
    })
  },
  'mock.timers of node:test': (t) => {
    mock.timers.enable({ apis: [...TIMERS, 'Date'], now: Date.now() })
    t.teardown(() => mock.timers.reset())
  },
}

/** Fails instead of waiting forever for a timer that is not advanced. */
function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout
  const late = new Promise<never>((_, reject) => {
    timer = realSetTimeout(() => reject(new Error('it waits for a fake timer')), 10_000)
  })
  return Promise.race([work, late]).finally(() => realClearTimeout(timer))
}

for (const [title, fakeTimers] of Object.entries(FAKE_TIMERS)) {
  for (const one of keys) {
    t.test(`verifies ${one.alg} tokens while timers are fake: ${title}`, async (t) => {
      const server = await startKeyServer([one.publicJwk])
      t.teardown(() => server.close())
      const { issuer } = server
      const shared = { stores: { replay: memoryStore(), revocations: memoryStore() } }
      const OPTIONS: Record<string, Partial<PluginOptions>> = {
        'static keys': { issuer, jwks: { keys: [one.publicJwk] } },
        'fetched keys': { issuer, jwks: {} },
        stores: { issuer, jwks: {}, ...shared },
      }
      for (const [label, options] of Object.entries(OPTIONS)) {
        const [known, fresh] = await Promise.all(
          ['known', 'new'].map((jti) => sign(one, { iss: issuer, jti })),
        )
        const forged = `${known?.slice(0, -8)}AAAAAAAA`
        const before = await protectedApi(t, options)
        before.get('/', async () => 'in')
        if (label === 'static keys') t.equal(await status(before, known as string), 200)
        await t.test(label, async (t) => {
          fakeTimers(t)
          for (const app of [before, await inTime(registered(t, options))]) {
            for (const token of [known, fresh, known, fresh]) {
              t.equal(await inTime(status(app, token as string)), 200)
            }
            t.equal(await inTime(status(app, forged)), 401)
            await inTime(app.close())
          }
        })
      }
    })
  }

  t.test(`introspects opaque tokens while timers are fake: ${title}`, async (t) => {
    const server = await startKeyServer()
    t.teardown(() => server.close())
    const { issuer, origin } = server
    const endpoint = `${origin}/introspect`
    const response = { active: true, iss: issuer, aud: AUDIENCE, exp: seconds() + 300 }
    server.respond('/introspect', json(response))
    const introspection = { clientId: 'api', clientSecret: 'secret', endpoint }
    const app = await protectedApi(t, given({ issuer, jwks: {}, introspection }))
    app.get('/', async () => 'in')
    fakeTimers(t)
    for (const token of ['opaque-1', 'opaque-2', 'opaque-1']) {
      t.equal(await inTime(status(app, token)), 200)
    }
    await inTime(app.close())
  })
}

/** An API that is registered and ready while the fakes are installed. */
async function registered(t: Test, options: Partial<PluginOptions>): Promise<FastifyInstance> {
  const app = await protectedApi(t, options)
  app.get('/', async () => 'in')
  await app.ready()
  return app
}
