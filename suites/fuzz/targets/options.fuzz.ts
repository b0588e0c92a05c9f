/**
 * Options: good ones with members set to anything, and anything in their place, for
 * `createResourceServer()`, the plugin, and a route's requirement. They work, or a TypeError names
 * the option; nothing else, no prototype is touched, and nothing is asked over the network.
 */
import assert from 'node:assert/strict'
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
import { ed25519 } from '../stage/fixed-keys.js'
import type { Target } from '../target.js'

interface OptionsCase {
  readonly way: 'core' | 'plugin' | 'requirement'
  readonly base: number
  readonly settings: readonly (readonly [path: string, value: unknown])[]
}

export const options: Target<OptionsCase> = {
  name: 'options',
  share: 0.005,
  cases: fc.record({
    way: fc.constantFrom('core', 'plugin', 'requirement'),
    base: fc.nat(9),
    settings: fc.array(
      fc.tuple(fc.constantFrom(...OPTION_PATHS, ...REQUIREMENT_KEYS), optionValue),
      {
        maxLength: 3,
      },
    ),
  }),
  mustSee: ['core: works', 'core: TypeError', 'plugin: TypeError', 'requirement: TypeError'],
  async open() {
    const signer = ed25519('issuer')
    const raw = forge(signer)
    const api = await createResourceServer(given())
    const prototypes = () =>
      [Object, Array, Function, String].map(({ prototype }) => Reflect.ownKeys(prototype).length)
    const untouched = prototypes()

    function given(): Record<string, unknown> & { issuer: string } {
      const jwks = { keys: [signer.publicJwk] }
      return { issuer: ISSUER, audience: AUDIENCE, jwks, now: () => NOW * 1000 }
    }

    /** Good ones of several kinds, with what the case sets in them. */
    function made({ base, settings }: OptionsCase): Record<string, unknown> {
      const fetch = () => Promise.reject(new TypeError('no network here'))
      const client = { clientId: 'a', clientSecret: 'b', fetch }
      const bases = [
        given(),
        { issuer: ISSUER, audience: AUDIENCE, jwks: { fetch } },
        { issuer: [ISSUER, { issuer: 'https://b.example' }], audience: 'a', jwks: { fetch } },
        { issuer: () => undefined, audience: AUDIENCE, jwks: { fetch } },
        { ...given(), introspection: client, stores: { replay: memoryStore() } },
        { ...given(), dpop: {}, mtls: {}, resourceMetadata: { resource: 'https://a.example' } },
      ]
      const options = bases[base % bases.length] as Record<string, unknown>
      for (const [path, value] of settings) set(options, path.split('.'), value)
      return options
    }

    return {
      async play(one) {
        const outcome = await outcomeOf(one, api, raw, () => made(one))
        assert.deepEqual(prototypes(), untouched, 'a prototype was changed')
        return `${one.way}: ${outcome}`
      },
      close: () => api.close(),
    }
  },
}

/** Where there is no object on the way, one is made. */
function set(object: Record<string, unknown>, [name = '', ...rest]: string[], value: unknown) {
  if (rest.length === 0) {
    object[name] = value
    return
  }
  const inner = object[name]
  const isObject = typeof inner === 'object' && inner !== null && !Object.isFrozen(inner)
  if (!isObject) object[name] = {}
  set(object[name] as Record<string, unknown>, rest, value)
}

type Server = Awaited<ReturnType<typeof createResourceServer>>

async function outcomeOf(
  { way, settings }: OptionsCase,
  api: Server,
  raw: string,
  made: () => Record<string, unknown>,
): Promise<string> {
  try {
    if (way === 'requirement') {
      await api.verify(raw, Object.fromEntries(settings) as Requirement)
    } else if (way === 'core') {
      const server = await createResourceServer(made() as unknown as ResourceServerOptions)
      await requireClosed(server)
    } else {
      const app = Fastify()
      try {
        await app.register(resourceServer, made() as unknown as PluginOptions)
        app.get('/', async () => 'in')
        const { statusCode } = await app.inject('/')
        assert.ok([401, 200].includes(statusCode), `${statusCode} without a token`)
      } finally {
        await app.close()
      }
    }
    return 'works'
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error
    if (way === 'requirement' && error instanceof ResourceServerError) return 'refused'
    assert.ok(error instanceof TypeError, `not a TypeError: ${inspect(error)}`)
    // What V8 says where a value isn't what was thought.
    assert.match(error.message, /"|must be an object/, error.message)
    assert.doesNotMatch(error.message, /is not a function|Cannot (?:read|convert)|undefined \(/)
    return 'TypeError'
  }
}

/** Whatever it was told, it takes no token that nobody signed. */
async function requireClosed(server: Server): Promise<void> {
  try {
    await server.verify('eyJhbGciOiJub25lIn0.e30.AA')
    assert.fail('accepted what nobody signed')
  } catch (error) {
    assert.ok(error instanceof ResourceServerError, inspect(error))
  } finally {
    await server.close()
  }
}
