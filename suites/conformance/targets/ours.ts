/** Starts this package in all its modes, each as an API on loopback. */
import cors from '@fastify/cors'
import Fastify from 'fastify'
import resourceServer, {
  type IntrospectionOptions,
  type PluginOptions,
} from 'fastify-resource-server'
import type { Feature } from '../check.js'
import { bareApi } from './bare-api.js'
import {
  ACTOR,
  API_CLIENT,
  ORIGIN,
  PAYMENT,
  type RunningApi,
  SCOPE,
  STEP_UP,
  type Target,
  type TargetOptions,
} from './target.js'

/** Long, so that a slow machine does not affect the results. */
const TIMEOUT_MS = 15_000
/** For issuers that never respond. */
const SHORT_TIMEOUT_MS = 1_000
/** Caches allocate their memory when they are created, and the checks create hundreds. */
const SMALL_CACHES = { tokenCache: { maxEntries: 100 }, revocations: { maxEntries: 100 } }
const RESOURCE = 'https://api.example/orders-api'

const COMMON: readonly Feature[] = [
  'jwt',
  'credentials',
  'bearer',
  'es256',
  'scope',
  'step-up',
  'actor',
  'authorization-details',
  'cors',
  'discovery',
  'restart',
  'clock',
]
const WITHOUT_OPTIONS: readonly Feature[] = ['dpop-off', 'mtls-off', 'encrypted-off']

interface Mode {
  readonly name: string
  readonly options?: Partial<PluginOptions>
  /** Features in addition to the common ones. */
  readonly features?: readonly Feature[]
  readonly without?: readonly Feature[]
  readonly resource?: string
}

const MODES: readonly Mode[] = [
  { name: 'plugin' },
  { name: 'rfc9068', options: { profile: 'rfc9068' }, features: ['strict'] },
  { name: 'opaque', options: introspecting({ mode: 'opaque' }), features: ['opaque'] },
  {
    name: 'always',
    options: introspecting({ mode: 'always' }),
    features: ['opaque', 'introspects-always'],
  },
  {
    name: 'recheck',
    options: introspecting({ mode: 'recheck', recheckInterval: 1_000 }),
    features: ['opaque', 'recheck'],
  },
  {
    name: 'signed',
    options: introspecting({ requireSignedResponse: true }),
    features: ['opaque', 'signed-responses'],
  },
  { name: 'dpop', options: { dpop: 'allowed' }, features: ['dpop'], without: ['dpop-off'] },
  {
    name: 'dpop only',
    options: { dpop: { mode: 'required', nonce: { secret: Buffer.alloc(32, 7) } } },
    features: ['dpop', 'nonce'],
    without: ['dpop-off', 'bearer'],
  },
  {
    name: 'mtls',
    options: {
      mtls: { certificateSource: { header: 'client-cert', trustedProxies: ['127.0.0.1'] } },
    },
    features: ['mtls', 'proxy'],
    without: ['mtls-off'],
  },
  {
    name: 'metadata',
    options: { resourceMetadata: RESOURCE },
    features: ['metadata'],
    resource: RESOURCE,
  },
  { name: 'encrypted', features: ['encrypted'], without: ['encrypted-off'] },
]

export const ours: readonly Target[] = [
  ...MODES.map(({ name, options = {}, features = [], without = [], resource }) => ({
    name,
    features: new Set(
      [...COMMON, ...WITHOUT_OPTIONS, ...features].filter((f) => !without.includes(f)),
    ),
    resource,
    start: (trusted: TargetOptions) =>
      startPlugin(trusted, {
        ...options,
        ...(features.includes('encrypted') && {
          decryption: { keys: [trusted.decryptionKey], required: true },
        }),
      }),
  })),
  {
    name: 'bare',
    features: new Set<Feature>([...COMMON, ...WITHOUT_OPTIONS].filter((name) => name !== 'cors')),
    start: (trusted) =>
      bareApi({ ...trusted, timeout: trusted.hasShortTimeout ? SHORT_TIMEOUT_MS : TIMEOUT_MS }),
  },
]

function introspecting(options: Partial<IntrospectionOptions>): Partial<PluginOptions> {
  return { introspection: { ...API_CLIENT, timeout: TIMEOUT_MS, ...options } }
}

function withSmallIntrospectionCache({
  introspection,
}: Partial<PluginOptions>): Partial<PluginOptions> {
  return introspection === undefined ? {} : { introspection: { ...introspection, maxEntries: 100 } }
}

async function startPlugin(
  {
    issuer,
    audience,
    now,
    hasShortTimeout: isImpatient = false,
    hasSmallCaches: isSmall = false,
  }: TargetOptions,
  options: Partial<PluginOptions>,
): Promise<RunningApi> {
  const app = Fastify()
  await app.register(cors, { origin: ORIGIN, exposedHeaders: ['WWW-Authenticate', 'DPoP-Nonce'] })
  await app.register(resourceServer, {
    issuer,
    audience,
    now,
    jwks: { timeout: isImpatient ? SHORT_TIMEOUT_MS : TIMEOUT_MS },
    ...(isSmall && SMALL_CACHES),
    ...options,
    ...(isSmall && withSmallIntrospectionCache(options)),
  })
  app.get('/', async () => ({ ok: true }))
  app.post('/', async () => ({ ok: true }))
  app.addContentTypeParser('application/x-www-form-urlencoded', (_request, payload, done) => {
    payload.resume().once('end', () => done(null, {}))
  })
  app.get('/orders', { config: { auth: { scope: SCOPE } } }, async () => ({ ok: true }))
  app.get('/transfers', { config: { auth: STEP_UP } }, async () => ({ ok: true }))
  app.get('/password', { config: { auth: { actor: 'none' } } }, async () => ({ ok: true }))
  app.get('/delegated', { config: { auth: { actor: [ACTOR] } } }, async () => ({ ok: true }))
  app.get('/payments', { config: { auth: { authorizationDetails: PAYMENT } } }, async () => ({
    ok: true,
  }))
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  return { url, close: () => app.close() }
}
