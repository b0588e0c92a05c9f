/** Key sets that outlive the process: the file store, and how stored key sets are used. */
import { execFileSync } from 'node:child_process'
import { closeSync, fstatSync, openSync } from 'node:fs'
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import {
  createResourceServer,
  fileKeyStore,
  type KeyStore,
  type StoredKeySet,
} from '../../src/index.js'
import { createAuthorizationServer } from '../../src/testing/index.js'

const ISSUER = 'https://issuer.example'
const SAVED: StoredKeySet = { issuer: ISSUER, fetchedAt: 1_000, jwks: { keys: [] } }
const HOUR = 3_600_000

async function folder(t: Test): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'key-store-'))
  t.teardown(() => rm(path, { recursive: true, force: true }))
  return join(path, 'keys')
}

/** Returns how many descriptors of a file are open in this process. */
async function timesOpen(file: string): Promise<number> {
  const { dev, ino } = await stat(file)
  const open = (await readdir('/dev/fd')).filter((fd) => {
    try {
      const found = fstatSync(Number(fd))
      return found.dev === dev && found.ino === ino
    } catch {
      // The descriptor of the folder itself, which is closed by now.
      return false
    }
  })
  return open.length
}

async function onlyFileIn(directory: string): Promise<string> {
  const files = await readdir(directory)
  return join(directory, files[0] as string)
}

/** Starts a resource server, and records its warnings. */
async function start(t: Test, store: KeyStore, issuer: string, now = () => Date.now()) {
  const warnings: string[] = []
  const reasons: unknown[] = []
  const server = await createResourceServer({
    issuer,
    audience: 'api://default',
    // A slow machine must not cause a second fetch and save.
    jwks: { store, timeout: 30_000 },
    now,
    logger: {
      warn: ({ err }: { err: unknown }, message: string) => {
        reasons.push(err)
        warnings.push(message)
      },
    },
  })
  t.teardown(() => server.close())
  return { server, warnings, reasons }
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((done) => setTimeout(done, 5))
}

t.test('a file store', async (t) => {
  t.test('returns the saved key set of each issuer', async (t) => {
    const store = fileKeyStore({ directory: await folder(t) })
    const other = { ...SAVED, issuer: 'https://other.example', fetchedAt: 2_000 }
    t.equal(await store.load(ISSUER), undefined)
    await store.save(SAVED)
    await store.save(other)
    t.strictSame(await store.load(ISSUER), SAVED)
    t.strictSame(await store.load(other.issuer), other)
    await store.save({ ...SAVED, fetchedAt: 3_000 })
    t.equal((await store.load(ISSUER))?.fetchedAt, 3_000)
  })

  t.test('writes files that no other user can read, and leaves no temporary files', async (t) => {
    const directory = await folder(t)
    const store = fileKeyStore({ directory })
    await Promise.all(Array.from({ length: 20 }, () => store.save(SAVED)))
    t.equal((await readdir(directory)).length, 1)
    t.equal((await stat(await onlyFileIn(directory))).mode & 0o777, 0o600)
    t.equal((await stat(directory)).mode & 0o777, 0o700)
    t.notMatch(
      await onlyFileIn(directory),
      'issuer.example',
      'the file name does not contain the issuer',
    )
  })

  t.test('keeps no file open', async (t) => {
    const directory = await folder(t)
    const store = fileKeyStore({ directory })
    await store.save(SAVED)
    const file = await onlyFileIn(directory)
    t.equal(await timesOpen(file), 0, 'saved')
    await store.load(ISSUER)
    t.equal(await timesOpen(file), 0, 'loaded')
    await chmod(file, 0o666)
    await t.rejects(store.load(ISSUER))
    t.equal(await timesOpen(file), 0, 'rejected')
    const fd = openSync(file, 'r')
    t.equal(await timesOpen(file), 1, 'descriptors are counted')
    closeSync(fd)
  })

  t.test('never returns a partial file during concurrent writes', async (t) => {
    const store = fileKeyStore({ directory: await folder(t) })
    await store.save(SAVED)
    const keys = Array.from({ length: 500 }, (_, i) => ({ kid: `${i}` }))
    const writing = Promise.all(
      Array.from({ length: 20 }, (_, i) => store.save({ ...SAVED, fetchedAt: i, jwks: { keys } })),
    )
    for (let i = 0; i < 50; i++) t.equal((await store.load(ISSUER))?.issuer, ISSUER)
    await writing
  })

  t.test('keeps the old file intact, and leaves no other, if a write fails', async (t) => {
    const directory = await folder(t)
    const store = fileKeyStore({ directory })
    await store.save(SAVED)
    const circular: { self?: unknown } = {}
    circular.self = circular
    await t.rejects(store.save({ ...SAVED, jwks: circular }))
    await rm(await onlyFileIn(directory))
    await t.rejects(fileKeyStore({ directory: join(directory, 'a\0b') }).save(SAVED))
    t.strictSame(await readdir(directory), [])
  })

  t.test('cleans up if the rename fails', async (t) => {
    const directory = await folder(t)
    const store = fileKeyStore({ directory })
    await store.save(SAVED)
    const file = await onlyFileIn(directory)
    await rm(file)
    // A non-empty folder of that name cannot be replaced.
    await fileKeyStore({ directory: file }).save(SAVED)
    await t.rejects(store.save(SAVED))
    t.equal((await readdir(directory)).length, 1)
  })

  t.test('reports the original failure, not that of the cleanup', async (t) => {
    const parent = await folder(t)
    await mkdir(parent)
    // No process can create a file there. A symbolic link of the test, which a faulty store may replace.
    const directory = join(parent, 'link')
    await symlink('/dev/fd', directory)
    await t.rejects(fileKeyStore({ directory }).save(SAVED), /, open /)
  })

  t.test('rejects files that other users could have written', async (t) => {
    const directory = await folder(t)
    const store = fileKeyStore({ directory })
    await store.save(SAVED)
    const file = await onlyFileIn(directory)
    for (const mode of [0o620, 0o602, 0o666]) {
      await chmod(file, mode)
      await t.rejects(store.load(ISSUER), /another user owns it or can write to it.*chmod 600/)
    }
    await chmod(file, 0o600)
    if (process.getuid?.() === 0) {
      await chown(file, 4_711, 4_711)
      await t.rejects(store.load(ISSUER), /another user owns it or can write to it/)
      await chown(file, 0, 0)
    }
    t.strictSame(await store.load(ISSUER), SAVED)
  })

  t.test('rejects a pipe, without waiting for a writer', async (t) => {
    const directory = await folder(t)
    const store = fileKeyStore({ directory })
    await store.save(SAVED)
    const file = await onlyFileIn(directory)
    await rm(file)
    execFileSync('mkfifo', ['-m', '600', file])
    await t.rejects(store.load(ISSUER), /ignored: not a regular file/)
  })

  t.test("rejects malformed content, another issuer's key set, and too large files", async (t) => {
    const directory = await folder(t)
    const store = fileKeyStore({ directory })
    await store.save(SAVED)
    const file = await onlyFileIn(directory)
    const trusted = await readFile(file, 'utf8')
    for (const text of [
      '',
      '{',
      trusted.slice(0, -1),
      'null',
      '[]',
      '{}',
      JSON.stringify({ ...SAVED, issuer: 'https://other.example' }),
      JSON.stringify({ ...SAVED, fetchedAt: '1000' }),
      JSON.stringify({ ...SAVED, fetchedAt: null }),
    ]) {
      await writeFile(file, text)
      await t.rejects(store.load(ISSUER), /ignored: not a key set of https:\/\/issuer.example/)
    }
    await writeFile(file, trusted.padEnd(16_777_216))
    t.strictSame(await store.load(ISSUER), SAVED, 'not too large')
    await truncate(file, 16_777_217)
    await t.rejects(store.load(ISSUER), /larger than/)
  })

  t.test('passes read errors on', async (t) => {
    const file = await folder(t)
    await writeFile(file, 'a file, and no folder')
    await t.rejects(fileKeyStore({ directory: file }).load(ISSUER), { code: 'ENOTDIR' })
  })

  t.test('requires a directory', async (t) => {
    for (const directory of [undefined, '', 5]) {
      t.throws(() => fileKeyStore({ directory } as never), {
        name: 'TypeError',
        message: /"directory"/,
      })
    }
  })
})

t.test('a restart during an outage serves the first request from the file', async (t) => {
  const store = fileKeyStore({ directory: await folder(t) })
  const issuer = await createAuthorizationServer({ algorithm: 'ES256' })
  t.teardown(() => issuer.close())
  const before = await start(t, store, issuer.issuer)
  await before.server.verify(await issuer.issueToken())
  await before.server.close()

  await issuer.suspend()
  const after = await start(t, store, issuer.issuer)
  const token = await after.server.verify(await issuer.issueToken())
  t.equal(token.issuer, issuer.issuer)
  t.match(after.server.keySetStatus(), [{ state: 'stale', keys: 1 }])
  await until(() => after.warnings.length > 0)
  t.match(after.warnings, [/JWKS fetch failed/], 'it was refreshed immediately, in the background')

  t.test('and a key published meanwhile is a 503, not a 401', async (t) => {
    await issuer.rotateKeys()
    await t.rejects(after.server.verify(await issuer.issueToken()), {
      code: 'temporarily_unavailable',
    })
  })
})

t.test('a restart during an outage serves all waiting requests from the store', async (t) => {
  const issuer = await createAuthorizationServer({ algorithm: 'ES256' })
  t.teardown(() => issuer.close())
  const jwks = issuer.keySet()
  const tokens = await Promise.all(
    Array.from({ length: 20 }, (_, i) => issuer.issueToken({ jti: `${i}` })),
  )
  const store: KeyStore = {
    load: async () => ({ issuer: issuer.issuer, fetchedAt: Date.now() - 1, jwks }),
    save: async () => {},
  }
  for (const fault of ['reset', 'hang'] as const) {
    issuer.fail(fault)
    const { server } = await start(t, store, issuer.issuer)
    const results = await Promise.allSettled(tokens.map((raw) => server.verify(raw)))
    t.strictSame(new Set(results.map(({ status }) => status)), new Set(['fulfilled']), fault)
    await server.close()
  }
})

t.test('an empty store is no failure, and receives the fetched key set', async (t) => {
  const issuer = await createAuthorizationServer({ algorithm: 'ES256' })
  t.teardown(() => issuer.close())
  const saved: StoredKeySet[] = []
  const store: KeyStore = {
    load: async () => undefined,
    save: async (keySet) => void saved.push(keySet),
  }
  const now = Date.now()
  const { server, warnings } = await start(t, store, issuer.issuer, () => now)
  await server.verify(await issuer.issueToken())
  await server.close()
  t.strictSame(warnings, [])
  t.strictSame(saved, [{ issuer: issuer.issuer, fetchedAt: now, jwks: issuer.keySet() }])
})

t.test('loads from the store before the first fetch, and not in a later outage', async (t) => {
  const issuer = await createAuthorizationServer({ algorithm: 'ES256' })
  t.teardown(() => issuer.close())
  let now = Date.now()
  let loads = 0
  const store: KeyStore = {
    load: async () => void loads++,
    save: async () => {},
  }
  const { server } = await start(t, store, issuer.issuer, () => now)
  const raw = await issuer.issueToken({ exp: Math.floor(now / 1000) + 90_000 })
  await server.verify(raw)
  await issuer.suspend()
  now += 12 * HOUR
  for (let i = 0; i < 3; i++) {
    now += 60_000
    await t.rejects(server.verify(raw), { code: 'temporarily_unavailable' })
  }
  t.equal(loads, 1)
})

t.test('loads again after the next failed fetch if the first load failed', async (t) => {
  const issuer = await createAuthorizationServer({ algorithm: 'ES256' })
  t.teardown(() => issuer.close())
  const jwks = issuer.keySet()
  const raw = await issuer.issueToken()
  await issuer.suspend()
  let now = Date.now()
  let loads = 0
  const store: KeyStore = {
    load: async () => {
      if (++loads === 1) throw new Error('not mounted yet')
      return { issuer: issuer.issuer, fetchedAt: now - 1, jwks }
    },
    save: async () => {},
  }
  const { server } = await start(t, store, issuer.issuer, () => now)
  await t.rejects(server.verify(raw), { code: 'temporarily_unavailable' })
  now += 1_000
  await server.verify(raw)
})

t.test('saves the key set fetched last, even if the store is slow', async (t) => {
  const issuer = await createAuthorizationServer({ algorithm: 'ES256' })
  t.teardown(() => issuer.close())
  const saved: unknown[] = []
  let release = () => {}
  const slow = new Promise<void>((resolve) => {
    release = resolve
  })
  const store: KeyStore = {
    load: async () => undefined,
    save: async ({ jwks }) => {
      if (saved.length === 0) await slow
      saved.push(jwks)
    },
  }
  const { server } = await start(t, store, issuer.issuer)
  await server.refreshKeys()
  for (let i = 0; i < 3; i++) {
    await issuer.rotateKeys({ keepOld: false })
    await server.refreshKeys()
  }
  release()
  await server.close()
  t.strictSame(saved.at(-1), issuer.keySet())
  t.equal(saved.length, 2, 'intermediate key sets are not written')
})

t.test('rejects keys saved from another jwksUri', async (t) => {
  const [trusted, untrusted] = [
    await createAuthorizationServer({ algorithm: 'ES256' }),
    await createAuthorizationServer({ algorithm: 'ES256' }),
  ]
  t.teardown(() => Promise.all([trusted.close(), untrusted.close()]))
  const store = fileKeyStore({ directory: await folder(t) })
  const options = { issuer: trusted.issuer, audience: 'api://default', jwks: { store } }
  const forged = await untrusted.issueToken({ iss: trusted.issuer })
  const before = await createResourceServer({ ...options, jwksUri: untrusted.jwksUri })
  await before.verify(forged)
  await before.close()
  await trusted.suspend()
  for (const jwksUri of [{ jwksUri: trusted.jwksUri }, {}]) {
    const after = await createResourceServer({ ...options, ...jwksUri })
    await t.rejects(after.verify(forged), { code: 'temporarily_unavailable' })
    await after.close()
  }
})

t.test(
  'after a restart, accepts a token of a newer key than the saved ones on its first request',
  async (t) => {
    const store = fileKeyStore({ directory: await folder(t) })
    const issuer = await createAuthorizationServer({ algorithm: 'ES256' })
    t.teardown(() => issuer.close())
    const before = await start(t, store, issuer.issuer)
    await before.server.verify(await issuer.issueToken())
    await until(async () => (await store.load(issuer.issuer)) !== undefined)
    await issuer.rotateKeys({ keepOld: false })
    const after = await start(t, store, issuer.issuer)
    await after.server.verify(await issuer.issueToken())
  },
)

t.test('rejects key sets saved too long ago, or in the future', async (t) => {
  const issuer = await createAuthorizationServer({ algorithm: 'ES256' })
  t.teardown(() => issuer.close())
  const jwks = issuer.keySet()
  const raw = await issuer.issueToken({ exp: Math.floor(Date.now() / 1000) + 90_000 })
  await issuer.suspend()
  const bound = 600_000 + 4 * HOUR
  for (const [age, served] of [
    [0, true],
    [bound - 60_000, true],
    [bound, false],
    [-60_000, false],
  ] as const) {
    const now = Date.now()
    const store = {
      load: async () => ({ issuer: issuer.issuer, fetchedAt: now - age, jwks }),
      save: async () => {},
    }
    const { server, warnings, reasons } = await start(t, store, issuer.issuer, () => now)
    const result = await server.verify(raw).then(
      () => true,
      ({ code }) => code,
    )
    t.equal(result, served || 'temporarily_unavailable', `${age} ms old`)
    t.equal(/key store load failed/.test(`${warnings}`), !served, 'a warning is logged')
    if (!served)
      t.match(reasons[0], { message: /"fetchedAt" is in the future, or longer ago than/ })
  }
})

t.test("rejects another issuer's keys from any store", async (t) => {
  const issuer = await createAuthorizationServer({ algorithm: 'ES256' })
  t.teardown(() => issuer.close())
  const [jwks, raw] = [issuer.keySet(), await issuer.issueToken()]
  await issuer.suspend()
  for (const of of [issuer.issuer, ISSUER, `${issuer.issuer}/`, undefined]) {
    const load = async () => ({ issuer: of, fetchedAt: Date.now(), jwks }) as StoredKeySet
    const store = { load, save: async () => {} }
    const { server, warnings, reasons } = await start(t, store, issuer.issuer)
    const result = await server.verify(raw).then(
      () => 'accepted',
      ({ code }) => code,
    )
    t.equal(result, of === issuer.issuer ? 'accepted' : 'temporarily_unavailable', `${of}`)
    t.equal(
      /key store load failed/.test(`${warnings}`),
      of !== issuer.issuer,
      'a warning is logged',
    )
    if (of !== issuer.issuer) {
      const message = `stored key set ignored: it is malformed, or was saved for another issuer than ${issuer.issuer}`
      t.match(reasons[0], { message })
    }
  }
})

t.test('logs a failing store, and continues', async (t) => {
  const issuer = await createAuthorizationServer({ algorithm: 'ES256' })
  t.teardown(() => issuer.close())
  const broken: Record<string, KeyStore> = {
    rejects: {
      load: () => Promise.reject(new Error('disk')),
      save: () => Promise.reject(new Error('disk')),
    },
    throws: {
      load: () => {
        throw new Error('disk')
      },
      save: () => {
        throw new Error('disk')
      },
    },
    'returns a malformed value': {
      load: async () => ({ issuer: issuer.issuer, fetchedAt: 'yesterday', jwks: 5 }) as never,
      save: () => Promise.reject(new Error('disk')),
    },
    "returns another issuer's keys": {
      load: async () => ({ ...SAVED, fetchedAt: Date.now() }),
      save: () => Promise.reject(new Error('disk')),
    },
    'returns a set without keys': {
      load: async () => ({ issuer: issuer.issuer, fetchedAt: Date.now(), jwks: { keys: [] } }),
      save: () => Promise.reject(new Error('disk')),
    },
  }
  for (const [how, store] of Object.entries(broken)) {
    const { server, warnings } = await start(t, store, issuer.issuer)
    await server.verify(await issuer.issueToken())
    await until(() => warnings.length === 2)
    t.match(warnings, [/key store load failed/, /key store save failed/], how)
  }
})

t.test('ignores a log that fails when a store fails', async (t) => {
  const issuer = await createAuthorizationServer({ algorithm: 'ES256' })
  t.teardown(() => issuer.close())
  const server = await createResourceServer({
    issuer: issuer.issuer,
    audience: 'api://default',
    jwks: {
      store: {
        load: () => Promise.reject(new Error('disk')),
        save: () => Promise.reject(new Error('disk')),
      },
    },
    logger: {
      warn() {
        throw new Error('the log is full')
      },
    },
  })
  t.teardown(() => server.close())
  await server.verify(await issuer.issueToken())
})

t.test('a store that hangs delays requests and shutdown only up to the timeout', async (t) => {
  const issuer = await createAuthorizationServer({ algorithm: 'ES256' })
  t.teardown(() => issuer.close())
  const warnings: string[] = []
  const server = await createResourceServer({
    issuer: issuer.issuer,
    audience: 'api://default',
    jwks: {
      timeout: 1_000,
      store: { load: () => new Promise(() => {}), save: () => new Promise(() => {}) },
    },
    logger: { warn: (_, message) => warnings.push(message) },
  })
  const alive = setInterval(() => {}, 1_000)
  t.teardown(() => clearInterval(alive))
  await server.verify(await issuer.issueToken())
  await server.close()
  t.match(warnings, [/key store load failed/, /key store save failed/])
})

t.test('a refresh faster than the store is not overwritten by the stored key set', async (t) => {
  const issuer = await createAuthorizationServer({ algorithm: 'ES256' })
  t.teardown(() => issuer.close())
  const old = issuer.keySet()
  await issuer.rotateKeys({ keepOld: false })
  let give: (value: StoredKeySet) => void = () => {}
  const store: KeyStore = {
    load: () =>
      new Promise((resolve) => {
        give = resolve
      }),
    save: async () => {},
  }
  const { server } = await start(t, store, issuer.issuer)
  const waiting = server.verify(await issuer.issueToken())
  await server.refreshKeys()
  give({ issuer: issuer.issuer, fetchedAt: Date.now() - 1_000, jwks: old })
  await waiting
  t.match(server.keySetStatus(), [{ state: 'fresh' }])
})
