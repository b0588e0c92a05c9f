/**
 * Passes options to `createResourceServer()`, the plugin, and a route's requirement: valid options
 * with members replaced by any value, and any value instead of options. The options must work, or a
 * TypeError must name the option; no prototype is changed, and no network request is sent.
 */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import fc from 'fast-check'
import Fastify from 'fastify'
import resourceServer, {
  createResourceServer,
  memoryStore,
  type PluginOptions,
  type Requirement,
  ResourceServerError,
  type ResourceServerOptions,
} from '../../../src/index.js'
import { REQUIREMENT_KEYS } from '../../../src/policy/requirement.js'
import { forge, NOW } from '../../../test/fixtures/forgery.js'
import { AUDIENCE, ISSUER } from '../../../test/fixtures/issuer.js'
import { OPTION_PATHS, optionValue } from '../arbitraries/options.js'
import { ed25519 } from '../harness/fixed-keys.js'
import type { Target } from '../target.js'

const { privateKey: decryptionKey } = generateKeyPairSync('x25519')

interface OptionsCase {
  readonly api: 'core' | 'plugin' | 'requirement'
  readonly base: number
  readonly settings: readonly (readonly [path: string, value: unknown])[]
}

export const options: Target<OptionsCase> = {
  name: 'options',
  share: 0.005,
  cases: fc.record({
    api: fc.constantFrom('core', 'plugin', 'requirement'),
    base: fc.nat(9),
    settings: fc.array(
      fc.tuple(fc.constantFrom(...OPTION_PATHS, ...REQUIREMENT_KEYS), optionValue),
      {
        maxLength: 3,
      },
    ),
  }),
  requiredOutcomes: [
    'core: works',
    'core: TypeError',
    'plugin: TypeError',
    'requirement: TypeError',
  ],
  async open() {
    const signer = ed25519('issuer')
    const raw = forge(signer)
    const api = await createResourceServer(given())
    const prototypes = () =>
      [Object, Array, Function, String].map(({ prototype }) => Reflect.ownKeys(prototype).length)
    const unchanged = prototypes()

    function given(): Record<string, unknown> & { issuer: string } {
      const jwks = { keys: [signer.publicJwk] }
      return { issuer: ISSUER, audience: AUDIENCE, jwks, now: () => NOW * 1000 }
    }

    /** Returns valid options, with the values that the case sets. */
    function made({ base, settings }: OptionsCase): Record<string, unknown> {
      const fetch = () => Promise.reject(new TypeError('no network here'))
      const client = { clientId: 'a', clientSecret: 'b', fetch }
      const bases = [
        given(),
        { issuer: ISSUER, audience: AUDIENCE, jwks: { fetch } },
        { issuer: [ISSUER, { issuer: 'https://b.example' }], audience: 'a', jwks: { fetch } },
        { issuer: () => undefined, audience: AUDIENCE, jwks: { fetch } },
        { ...given(), introspection: client, stores: { replay: memoryStore() } },
        { ...given(), decryption: { keys: [decryptionKey] } },
        { ...given(), dpop: {}, mtls: {}, resourceMetadata: { resource: 'https://a.example' } },
      ]
      const options = bases[base % bases.length] as Record<string, unknown>
      for (const [path, value] of settings) setPath(options, path.split('.'), value)
      return options
    }

    return {
      async run(testCase) {
        const outcome = await outcomeOf(testCase, api, raw, () => made(testCase))
        assert.deepEqual(prototypes(), unchanged, 'a prototype was changed')
        return `${testCase.api}: ${outcome}`
      },
      close: () => api.close(),
    }
  },
}

/** Sets the value at a path and creates missing objects. */
function setPath(object: Record<string, unknown>, [name = '', ...rest]: string[], value: unknown) {
  if (rest.length === 0) {
    object[name] = value
    return
  }
  const inner = object[name]
  const isObject = typeof inner === 'object' && inner !== null && !Object.isFrozen(inner)
  if (!isObject) object[name] = {}
  setPath(object[name] as Record<string, unknown>, rest, value)
}

type Server = Awaited<ReturnType<typeof createResourceServer>>

async function outcomeOf(
  { api: kind, settings }: OptionsCase,
  api: Server,
  raw: string,
  made: () => Record<string, unknown>,
): Promise<string> {
  try {
    if (kind === 'requirement') {
      await api.verify(raw, Object.fromEntries(settings) as Requirement)
    } else if (kind === 'core') {
      const server = await createResourceServer(made() as unknown as ResourceServerOptions)
      await requireUnsignedTokenRejected(server)
    } else {
      const app = Fastify()
      try {
        await app.register(resourceServer, made() as unknown as PluginOptions)
        app.get('/', async () => 'in')
        const { statusCode } = await app.inject('/')
        // A function of the application that returns an invalid value causes a 500.
        const statuses = settings.some(([, value]) => typeof value === 'function')
          ? [200, 401, 500]
          : [200, 401]
        assert.ok(statuses.includes(statusCode), `${statusCode} without a token`)
      } finally {
        await app.close()
      }
    }
    return 'works'
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error
    if (kind === 'requirement' && error instanceof ResourceServerError) return 'rejected'
    if (kind === 'requirement' && /^The function "\w+" failed$/.test((error as Error).message)) {
      return 'failing function'
    }
    assert.ok(error instanceof TypeError, `not a TypeError: ${inspect(error)}`)
    // The messages of V8 would show that the package used an unchecked value.
    assert.match(error.message, /"|must be an? (?:plain )?object/, error.message)
    assert.doesNotMatch(error.message, /is not a function|Cannot (?:read|convert)|undefined \(/)
    return 'TypeError'
  }
}

/** Asserts that a server rejects an unsigned token, with any options. */
async function requireUnsignedTokenRejected(server: Server): Promise<void> {
  try {
    await server.verify('eyJhbGciOiJub25lIn0.e30.AA')
    assert.fail('accepted an unsigned token')
  } catch (error) {
    const namesOption = error instanceof TypeError && /^"[\w.]+" option/.test(error.message)
    assert.ok(namesOption || error instanceof ResourceServerError, inspect(error))
  } finally {
    await server.close()
  }
}
