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
      'RESOURCE_SERVER_INTROSPECTION_CACHE_MAX_AGE is unknown: set the option "introspection" in the',
    ],
    [
      { RESOURCE_SERVER_AUDIANCE: 'x' },
      'RESOURCE_SERVER_AUDIANCE is unknown. Did you mean RESOURCE_SERVER_AUDIENCE? If RESOURCE_SERVER_AUDIANCE belongs to another program, choose another prefix',
    ],
    [
      { RESOURCE_SERVER_LEEWAY: '0' },
      'RESOURCE_SERVER_LEEWAY is unknown. Known: RESOURCE_SERVER_ISSUER, RESOURCE_SERVER_AUDIENCE, RE',
    ],
  ]
  for (const [env, message] of cases) {
    t.throws(() => optionsFromEnvironment({ ...required, ...env }), { name: 'TypeError', message })
  }
  const secret = { ...required, RESOURCE_SERVER_CLOCK_TOLERANCE: 'hunter2' }
  t.throws(() => optionsFromEnvironment(secret), { message: /^(?!.*hunter2)/ })
})

t.test('rejects every unknown variable with the prefix, and names the one that is meant', (t) => {
  const meant: Record<string, string | RegExp> = {
    DPOP_MODE: 'DPOP',
    DPOP_REQUIRED: 'DPOP',
    REQUIRE_DPOP: 'DPOP',
    DPOP_DASHBOARD_URL: 'DPOP',
    dpop: 'DPOP',
    MTLS_MODE: 'MTLS',
    ALLOWED_ALGORITHMS: 'ALGORITHMS',
    ALG: 'ALGORITHMS',
    MAX_AGE: 'MAX_TOKEN_AGE',
    TOKEN_MAX_AGE: 'MAX_TOKEN_AGE',
    CLAIMS_REQUIRED: 'REQUIRED_CLAIMS',
    OKTA_ISSUER: 'ISSUER',
    ALGS: /Known: A_ISSUER, .*, A_ALGORITHMS, /,
    TOKEN_INTROSPECTION: /Known: .*, A_INTROSPECTION_MODE, /,
    SCOPE: /Known: /,
    SENDER_CONSTRAINED: /Known: /,
    '': /Known: /,
    INTROSPECTION_REQUIRED: /: set the option "introspection" in the code\. If A_INTRO/,
    DECRYPTION_REQUIRED: /: set the option "decryption" in the code\. If A_DECRYPTION_REQUIRED /,
    REVOCATIONS_UNTIL_LOADED: /: set the option "revocations" in the code\. /,
    JWKS_CACHE_MAX_AGE: /: set the option "jwks" in the code\. /,
    EXTRACT_TOKEN: /: set the option "extractToken" in the code\. /,
  }
  const env = { A_ISSUER: 'https://a.example', A_AUDIENCE: 'a' }
  for (const [name, expected] of Object.entries(meant)) {
    const message = typeof expected === 'string' ? `. Did you mean A_${expected}? If A_` : expected
    t.throws(() => optionsFromEnvironment({ ...env, [`A_${name}`]: 'x' }, { prefix: 'A_' }), {
      name: 'TypeError',
      message,
    })
  }
  t.throws(() => optionsFromEnvironment({ ...env, a_DPOP: 'required' }, { prefix: 'A_' }), {
    message: 'a_DPOP is unknown. Did you mean A_DPOP?',
  })
  t.doesNotThrow(() => optionsFromEnvironment({ ...env, A_DPOPP: undefined }, { prefix: 'A_' }))
  t.end()
})

t.test('rejects variables that resemble a known one without a prefix', (t) => {
  const others = [
    ...['PATH', 'HOME', 'USER', 'PORT', 'HOSTNAME', 'LANG', 'TERM', 'SHELL', 'NODE_ENV', 'TZ'],
    ...['SECRET_KEY_BASE', 'AWS_PROFILE', 'CLIENT_ID', 'JWT_SECRET', 'DATABASE_URL', 'LOG_LEVEL'],
    ...['dpop_dashboard_url', 'KUBERNETES_PORT_443_TCP_ADDR', 'MTLS_PROXY_SERVICE_HOST', 'GLOBAL'],
  ]
  const env = {
    ISSUER: 'https://a.example',
    AUDIENCE: 'a',
    ...Object.fromEntries(others.map((name) => [name, 'x'])),
  }
  const options = { issuer: 'https://a.example', audience: 'a' }
  t.strictSame(optionsFromEnvironment(env, { prefix: '' }), options)
  for (const name of [
    ...['DPOPP', 'dpop', 'DPOP_MODE', 'MTLS_REQUIRED', 'ALGORITHM', 'ALGORITHMS_ALLOWED', 'ALG'],
    ...['MAXTOKENAGE', 'REQUIRED_CLAIM', 'INTROSPECTION_REQUIRED', 'DECRYPTION', 'DECRYPTION_KEY'],
  ]) {
    t.throws(() => optionsFromEnvironment({ ...env, [name]: 'x' }, { prefix: '' }), {
      name: 'TypeError',
      message: `${name} is unknown`,
    })
  }
  t.end()
})

t.test('ignores variables of a container platform, and inherited ones', async (t) => {
  const env = Object.assign(Object.create({ RESOURCE_SERVER_SECRET: 'inherited' }), required, {
    RESOURCE_SERVER_SERVICE_HOST: '10.0.0.1',
    RESOURCE_SERVER_SERVICE_PORT: '80',
    RESOURCE_SERVER_SERVICE_PORT_HTTP: '80',
    RESOURCE_SERVER_PORT: 'tcp://10.0.0.1:80',
    RESOURCE_SERVER_PORT_80_TCP: 'tcp://10.0.0.1:80',
    RESOURCE_SERVER_PORT_80_TCP_ADDR: '10.0.0.1',
    RESOURCE_SERVER_PORT_80_TCP_PORT: '80',
    RESOURCE_SERVER_PORT_80_TCP_PROTO: 'tcp',
    RESOURCE_SERVER_DPOP_PROXY_SERVICE_HOST: '10.0.0.2',
    RESOURCE_SERVER_DPOP_PROXY_PORT_53_UDP: 'udp://10.0.0.2:53',
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
