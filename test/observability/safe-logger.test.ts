/** A failing logger of the application, at every place where the package logs. */
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import {
  createResourceServer,
  type Logger,
  type ResourceServerOptions,
  type Store,
} from '../../src/index.js'
import { logSafely, safeLogger } from '../../src/observability/safe-logger.js'
import { createAuthorizationServer } from '../../src/testing/index.js'
import { proofFor } from '../fixtures/bound-token.js'
import { bearer, given, protectedApi, tokenOf } from '../fixtures/protected-api.js'

const failure = () => new Error('the log is full')

/** Loggers that fail, each counting how often it was called. */
const FAILING: Readonly<Record<string, (count: () => void) => Logger>> = {
  'a method that throws': (count) => ({
    warn() {
      count()
      throw failure()
    },
  }),
  'a method that throws undefined': (count) => ({
    warn() {
      count()
      throw undefined
    },
  }),
  'a method that returns a rejecting promise': (count) => ({
    warn() {
      count()
      return Promise.reject(failure())
    },
  }),
  'a method that returns a promise whose own "then" throws': (count) => ({
    warn() {
      count()
      const raise = () => {
        throw failure()
      }
      return Object.defineProperties(Promise.reject(failure()), {
        // biome-ignore lint/suspicious/noThenProperty: the test is about thenables
        then: { value: raise },
        catch: { value: raise },
      })
    },
  }),
  'a getter that throws once it was checked': (count) => {
    let checked = false
    return {
      get warn() {
        if (checked) {
          count()
          throw failure()
        }
        checked = true
        return () => {}
      },
    }
  },
  'a method that is gone later': (count) => {
    let reads = 0
    return {
      get warn() {
        if (reads++ > 0) count()
        return reads > 1 ? (undefined as never) : () => {}
      },
    }
  },
}

/** Unhandled rejections and exceptions, which would end the process. */
function unhandled(t: Test): unknown[] {
  const seen: unknown[] = []
  const note = (error: unknown) => void seen.push(error)
  process.on('unhandledRejection', note)
  process.on('uncaughtException', note)
  t.teardown(() => {
    process.off('unhandledRejection', note)
    process.off('uncaughtException', note)
  })
  return seen
}

async function serverOf(t: Test, options: Partial<ResourceServerOptions>) {
  const server = await createResourceServer({
    ...(given() as ResourceServerOptions),
    ...options,
  })
  t.teardown(() => server.close())
  return server
}

/** A store whose methods reject. */
function brokenStore(): Store {
  const broken = () => Promise.reject(new Error('no store'))
  return {
    add: broken,
    get: broken,
    set: broken,
    delete: broken,
    mergeRevocations: broken,
    revocationsSince: broken,
    listRevocations: () => {
      throw new Error('no store')
    },
    publish: broken,
    subscribe: broken,
  }
}

// These tests wait most of the time.
t.jobs = Object.keys(FAILING).length

for (const [name, make] of Object.entries(FAILING)) {
  const title = `a logger with ${name} changes no response and does not end the process`
  t.test(title, { buffered: true }, async (t) => {
    const seen = unhandled(t)
    let count = 0
    const logger = make(() => count++)
    const assertLogged = (t: Test, where: string) => {
      t.ok(count > 0, `${where}: the logger was called`)
      count = 0
    }
    const fresh = () => make(() => count++)

    t.test('when the revocation store fails', async (t) => {
      const server = await serverOf(t, { stores: { revocations: brokenStore() }, logger })
      assertLogged(t, 'at the start')
      await t.rejects(server.verify(await tokenOf()), { name: 'StoreUnavailableError' })
      await t.rejects(server.revoke({ jti: 'a' }), { name: 'StoreUnavailableError' })
      await t.rejects(server.verify(await tokenOf({ jti: 'a' })), {
        name: 'InvalidTokenError',
        check: 'revocation',
      })
    })

    t.test('when the replay store fails', async (t) => {
      for (const whenUnavailable of ['reject', 'dangerouslyAccept'] as const) {
        const server = await serverOf(t, {
          stores: { replay: brokenStore() },
          dpop: { replay: { whenUnavailable } },
          logger: fresh(),
        })
        const verifying = server.verify(await proofFor())
        if (whenUnavailable === 'dangerouslyAccept') await t.resolves(verifying)
        else await t.rejects(verifying, { name: 'StoreUnavailableError' })
        assertLogged(t, whenUnavailable)
      }
    })

    t.test('when keys can be neither loaded, fetched nor saved', async (t) => {
      const issuer = await createAuthorizationServer({ algorithm: 'ES256' })
      t.teardown(() => issuer.close())
      const broken = () => Promise.reject(new Error('disk'))
      const server = await createResourceServer({
        issuer: issuer.issuer,
        audience: 'api://default',
        jwks: { store: { load: broken, save: broken } },
        logger: fresh(),
      })
      t.teardown(() => server.close())
      const token = await issuer.issueToken()
      await issuer.suspend()
      await t.rejects(server.verify(token), { name: 'KeysUnavailableError' })
      assertLogged(t, 'fetch and restore')
      await issuer.resume()
      await server.refreshKeys().catch(() => sleep(1_100).then(() => server.refreshKeys()))
      await server.verify(token)
      await server.close()
      assertLogged(t, 'save')
    })

    t.test('when introspection and its shared cache fail', async (t) => {
      const issuer = await createAuthorizationServer({ algorithm: 'ES256' })
      t.teardown(() => issuer.close())
      const server = await createResourceServer({
        issuer: issuer.issuer,
        audience: 'api://default',
        introspection: { clientId: 'wrong', clientSecret: 'wrong', mode: 'always' },
        stores: { introspection: brokenStore(), sealingSecret: 's'.repeat(32) },
        logger: fresh(),
      })
      t.teardown(() => server.close())
      await t.rejects(server.verify(await issuer.issueToken()), {
        name: 'IntrospectionUnavailableError',
      })
      assertLogged(t, 'introspection:response')
    })

    t.test('when the server closes', async (t) => {
      await sleep(10)
      t.strictSame(seen, [], 'the process continues')
    })
  })
}

t.test(
  'a failing request.log neither prevents the response nor the call of onReject',
  async (t) => {
    const seen = unhandled(t)
    for (const [name, fail] of Object.entries({
      throws: () => {
        throw failure()
      },
      rejects: () => Promise.reject(failure()),
    })) {
      const silent = () => {}
      const log = {
        fatal: silent,
        error: fail,
        warn: fail,
        info: fail,
        debug: silent,
        trace: silent,
      }
      const logger = { ...log, level: 'info', child: () => logger }
      let rejected = 0
      const onReject = () => {
        rejected++
        throw new Error('onReject failed too')
      }
      const app = await protectedApi(t, { onReject }, {
        loggerInstance: logger,
        disableRequestLogging: true,
      } as never)
      app.get('/', () => 'in')
      for (const headers of [
        {},
        bearer('a.b.c'),
        bearer(await tokenOf({ aud: 'https://other' })),
      ]) {
        t.equal((await app.inject({ url: '/', headers })).statusCode, 401, name)
      }
      t.equal(rejected, 3, `${name}: "onReject" is called regardless of the log`)
    }
    await sleep(10)
    t.strictSame(seen, [])
  },
)

t.test('"error" falls back to "warn" if the logger has no "error"', async (t) => {
  const lines: string[] = []
  safeLogger({ warn: (_, message) => lines.push(`warn ${message}`) }).error({}, 'a')
  const both = safeLogger({
    warn: (_, message) => lines.push(`warn ${message}`),
    error: (_, message) => lines.push(`error ${message}`),
  })
  both.error({}, 'b')
  both.warn({}, 'c')
  t.strictSame(lines, ['warn a', 'error b', 'warn c'])
})

t.test('calls the current methods of the logger, with the logger as this', async (t) => {
  const lines: unknown[] = []
  const logger = {
    lines,
    warn(_: object, message: string) {
      this.lines.push(message)
    },
  }
  const safe = safeLogger(logger)
  safe.warn({}, 'a')
  logger.warn = () => lines.push('replaced')
  safe.warn({}, 'b')
  logSafely(undefined as never, 'warn', {}, 'no logger at all')
  t.strictSame(lines, ['a', 'replaced'])
})

t.test('rejects a logger whose "warn" cannot be read at creation', async (t) => {
  const logger = {
    get warn(): never {
      throw failure()
    },
  }
  await t.rejects(createResourceServer({ ...(given() as ResourceServerOptions), logger }), {
    name: 'TypeError',
    message: /"logger" option must have a method "warn"/,
  })
})
