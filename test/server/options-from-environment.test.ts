/** Options that are read from environment variables. */
import t from 'tap'
import { createResourceServer, optionsFromEnvironment } from '../../src/index.js'
import { ENVIRONMENT_VARIABLES } from '../../src/server/options-from-environment.js'

const required = {
  RESOURCE_SERVER_ISSUER: 'https://issuer.example',
  RESOURCE_SERVER_AUDIENCE: 'api://default',
}

t.test('reads each variable as the type of its option', async (t) => {
  const env = {
    PATH: '/bin',
    RESOURCE_SERVER_ISSUER: 'https://issuer.example\n',
    RESOURCE_SERVER_AUDIENCE: 'api://a, api://b',
    RESOURCE_SERVER_PROFILE: 'okta',
    RESOURCE_SERVER_ALGORITHMS: 'ES256',
    RESOURCE_SERVER_REQUIRED_CLAIMS: 'sub,tenant',
    RESOURCE_SERVER_CLOCK_TOLERANCE: '0',
    RESOURCE_SERVER_MAX_TOKEN_AGE: ' 3600 ',
    RESOURCE_SERVER_MAX_TOKEN_LENGTH: '4096',
    RESOURCE_SERVER_REALM: 'orders',
    RESOURCE_SERVER_JWKS_URI: 'https://issuer.example/keys',
    RESOURCE_SERVER_SECRET: 'x',
    RESOURCE_SERVER_INTROSPECTION_CLIENT_ID: 'orders-api',
    RESOURCE_SERVER_INTROSPECTION_CLIENT_SECRET: ' a secret\r\n',
    RESOURCE_SERVER_INTROSPECTION_ENDPOINT: 'https://issuer.example/introspect',
    RESOURCE_SERVER_INTROSPECTION_MODE: 'always',
    RESOURCE_SERVER_DPOP: 'required',
    RESOURCE_SERVER_MTLS: 'false',
    RESOURCE_SERVER_DANGEROUSLY_ALLOW_HTTP: 'false',
  }
  t.strictSame(optionsFromEnvironment(env), {
    issuer: 'https://issuer.example',
    audience: ['api://a', 'api://b'],
    profile: 'okta',
    algorithms: ['ES256'],
    requiredClaims: ['sub', 'tenant'],
    clockTolerance: 0,
    maxTokenAge: 3_600,
    maxTokenLength: 4_096,
    realm: 'orders',
    jwksUri: 'https://issuer.example/keys',
    secret: 'x',
    dpop: 'required',
    mtls: false,
    dangerouslyAllowHttp: false,
    introspection: {
      clientId: 'orders-api',
      clientSecret: 'a secret',
      endpoint: 'https://issuer.example/introspect',
      mode: 'always',
    },
  })
  t.strictSame(
    Object.keys(env).sort(),
    ['PATH', ...Object.keys(ENVIRONMENT_VARIABLES).map((name) => `RESOURCE_SERVER_${name}`)].sort(),
    'every variable',
  )
})

t.test('sets nothing for a variable that is missing', async (t) => {
  const options = optionsFromEnvironment(required)
  t.strictSame(options, { issuer: 'https://issuer.example', audience: 'api://default' })
  const server = await createResourceServer(options)
  await server.close()
})

t.test('reads variables with another prefix, or without one', async (t) => {
  const env = {
    ...required,
    ISSUER: 'https://a.example',
    AUDIENCE: 'a',
    A_ISSUER: 'b',
    A_AUDIENCE: 'c',
  }
  t.strictSame(optionsFromEnvironment(env, { prefix: '' }), {
    issuer: 'https://a.example',
    audience: 'a',
  })
  t.strictSame(optionsFromEnvironment(env, { prefix: 'A_' }), { issuer: 'b', audience: 'c' })
  for (const prefix of [1, null, 'a-', 'a b']) {
    t.throws(() => optionsFromEnvironment(env, { prefix } as never), { name: 'TypeError' })
  }
  t.throws(() => optionsFromEnvironment(env, { Prefix: 'A_' } as never), {
    message: 'Did you mean "prefix"?',
  })
})

t.test('names the variable of a mistake, and shows no value', async (t) => {
  const cases: [env: Record<string, string | undefined>, message: string][] = [
    [{ RESOURCE_SERVER_ISSUER: undefined }, 'RESOURCE_SERVER_ISSUER is not set'],
    [{ RESOURCE_SERVER_AUDIENCE: undefined }, 'RESOURCE_SERVER_AUDIENCE is not set'],
    [{ RESOURCE_SERVER_AUDIENCE: '' }, 'RESOURCE_SERVER_AUDIENCE is empty: set it, or remove it'],
    [{ RESOURCE_SERVER_SECRET: ' \n' }, 'RESOURCE_SERVER_SECRET is empty: set it, or remove it'],
    [{ RESOURCE_SERVER_AUDIENCE: 'a,,b' }, 'RESOURCE_SERVER_AUDIENCE must have no empty element'],
    [{ RESOURCE_SERVER_AUDIENCE: 'a,' }, 'RESOURCE_SERVER_AUDIENCE must have no empty element'],
    [{ RESOURCE_SERVER_CLOCK_TOLERANCE: '30s' }, 'must be a whole number in digits'],
    [{ RESOURCE_SERVER_CLOCK_TOLERANCE: '-1' }, 'must be a whole number in digits'],
    [{ RESOURCE_SERVER_CLOCK_TOLERANCE: '1e3' }, 'must be a whole number in digits'],
    [{ RESOURCE_SERVER_DANGEROUSLY_ALLOW_HTTP: 'yes' }, 'must be true or false'],
    [{ RESOURCE_SERVER_DANGEROUSLY_ALLOW_HTTP: 'TRUE' }, 'must be true or false'],
    [{ RESOURCE_SERVER_AUDIENCE: '"a"' }, 'RESOURCE_SERVER_AUDIENCE must be written without quot'],
    [{ RESOURCE_SERVER_ISSUER: "'a'" }, 'RESOURCE_SERVER_ISSUER must be written without quotation'],
    [{ RESOURCE_SERVER_AUDIENCE: '["a","b"]' }, 'and brackets: delimit elements by commas'],
    [
      { RESOURCE_SERVER_SECRET: 'x'.repeat(32) },
      'RESOURCE_SERVER_SECRET requires RESOURCE_SERVER_ALGORITHMS, such as HS256. If',
    ],
    [
      { RESOURCE_SERVER_GLOBAL: 'true' },
      'RESOURCE_SERVER_GLOBAL is unknown: set the option "global" in the code',
    ],
    [
      { RESOURCE_SERVER_DANGEROUSLY_NO_AUDIENCE: 'true' },
      'is unknown: set the option "dangerouslyNoAudience" in the code',
    ],
    [
      { RESOURCE_SERVER_INTROSPECTION_CACHE_MAX_AGE: '0' },
      'RESOURCE_SERVER_INTROSPECTION_CACHE_MAX_AGE is unknown: set other options of "introspection"',
    ],
    [
      { RESOURCE_SERVER_AUDIANCE: 'x' },
      'RESOURCE_SERVER_AUDIANCE is unknown. Did you mean RESOURCE_SERVER_AUDIENCE?',
    ],
  ]
  for (const [env, message] of cases) {
    t.throws(() => optionsFromEnvironment({ ...required, ...env }), { name: 'TypeError', message })
  }
  const secret = { ...required, RESOURCE_SERVER_CLOCK_TOLERANCE: 'hunter2' }
  t.throws(() => optionsFromEnvironment(secret), { message: /^(?!.*hunter2)/ })
})

t.test('ignores variables of a container platform, and inherited ones', async (t) => {
  const env = Object.assign(Object.create({ RESOURCE_SERVER_SECRET: 'inherited' }), required, {
    RESOURCE_SERVER_SERVICE_HOST: '10.0.0.1',
    RESOURCE_SERVER_PORT: 'tcp://10.0.0.1:80',
    RESOURCE_SERVER_PORT_80_TCP_ADDR: '10.0.0.1',
  })
  t.notOk('secret' in optionsFromEnvironment(env))
})

t.test('rejects a prefix without its underscore, and a missing environment', async (t) => {
  t.throws(() => optionsFromEnvironment({ AUTH_ISSUER: 'https://a.example' }, { prefix: 'AUTH' }), {
    name: 'TypeError',
    message: 'AUTH_ISSUER is unknown with the prefix "AUTH". Set the prefix to "AUTH_"',
  })
  for (const nothing of [undefined, null, 'AUTH_'] as never[]) {
    t.throws(() => optionsFromEnvironment(nothing), { message: /pass process\.env$/ })
  }
  t.throws(() => optionsFromEnvironment(required, 'AUTH_' as never), {
    message: 'optionsFromEnvironment() takes the prefix in an object: { prefix }',
  })
  t.throws(() => optionsFromEnvironment(required, null as never), {
    message: 'The argument of optionsFromEnvironment() must be a plain object',
  })
})
