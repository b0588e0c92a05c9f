/**
 * The code of docs/workload-tokens.md, run as the page shows it: accepts the tokens of the
 * platform, and rejects its tokens for others with the result that the page states.
 */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import {
  createResourceServer,
  type ResourceServer,
  type ResourceServerOptions,
} from '../../src/index.js'
import { makeCertificate } from '../fixtures/certificates.js'
import { signature } from '../fixtures/forgery.js'
import { makeKey, seconds } from '../fixtures/issuer.js'
import { run } from '../fixtures/programs/run.js'
import { googleIap } from '../fixtures/workload-tokens/google-iap.js'
import { googleServices } from '../fixtures/workload-tokens/google-services.js'
import { kubernetes } from '../fixtures/workload-tokens/kubernetes.js'
import type { Recipe, Rejected } from '../fixtures/workload-tokens/recipe.js'
import { RECIPES } from '../fixtures/workload-tokens/recipes.js'
import {
  codeOf,
  page,
  runRecipe,
  sectionOf,
  tokenOf,
} from '../fixtures/workload-tokens/run-recipe.js'
import { spiffe } from '../fixtures/workload-tokens/spiffe.js'

const TOKEN_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/token'

/** Runs the recipe's code. The file with the bearer token is in the folder of the test. */
function start(t: Test, recipe: Recipe) {
  if (recipe !== kubernetes) return runRecipe(t, recipe)
  const folder = t.testdir({ token: 'bearer-1' })
  return runRecipe(t, recipe, codeOf(recipe).replace(TOKEN_FILE, `${folder}/token`))
}

t.test('each recipe has a section, a source and a token for another audience', async (t) => {
  const headings = [...page.matchAll(/^## (Accept .+)$/gm)].map(([, heading]) => heading)
  t.same(
    headings,
    RECIPES.map(({ heading }) => heading),
  )
  for (const { heading, sources, rejected } of RECIPES) {
    for (const source of sources) t.match(source, /^https:\/\/.+ \(read \d{4}-\d\d-\d\d\)$/)
    const section = sectionOf(heading)
    for (const part of ['**Checked:**', '| mistake | result |'])
      t.ok(section.includes(part), heading)
    const results = Object.values(rejected)
    t.ok(
      results.some(({ check }) => check === 'audience'),
      heading,
    )
    for (const { status, message } of results) {
      t.match(section, new RegExp(`\\| .*${status}.*\`${message}\``), `${heading}: ${message}`)
    }
  }
})

for (const recipe of RECIPES) {
  const { heading, expected, accepted = {}, rejected, gatewayHeader } = recipe
  t.test(heading, async (t) => {
    const { key, send, present } = await start(t, recipe)
    const token = tokenOf(recipe, key)

    await t.test('accepts the token of the platform', async (t) => {
      const { status, token: read } = await send(present(token))
      t.equal(status, 200)
      t.has(read, expected)
      for (const [name, change] of Object.entries(accepted)) {
        const answer = await send(present(tokenOf(recipe, key, change)), change.route)
        t.equal(answer.status, 200, name)
      }
    })

    await t.test('J5, J8: rejects other tokens of the platform', async (t) => {
      for (const [name, change] of Object.entries(rejected)) {
        const answer = await send(present(tokenOf(recipe, key, change)), change.route)
        t.equal(answer.status, change.status, name)
        t.equal(answer.check, change.check, name)
        t.match(JSON.parse(answer.body), { message: change.message }, name)
      }
    })

    await t.test('J6: rejects a token that the client forged', async (t) => {
      const forged = tokenOf(recipe, await makeKey(recipe.alg, 'key-1'))
      const answer = await send(present(forged))
      t.equal(answer.status, 401)
      t.equal(answer.check, 'signature')
    })

    await t.test('rejects a token that is sent twice', async (t) => {
      const forged = tokenOf(recipe, await makeKey(recipe.alg, 'key-1'))
      for (const pair of [
        [token, token],
        [forged, token],
        [token, forged],
      ]) {
        const answer = await send(pair.flatMap(present))
        t.equal(answer.status, gatewayHeader === undefined ? 400 : 401)
      }
      t.equal((await send(present(token))).status, 200)
    })

    if (gatewayHeader === undefined) return
    await t.test('reads the header of the gateway only', async (t) => {
      const authorization = `authorization: Bearer ${token}`
      t.equal((await send([authorization])).status, 401)
      t.equal((await send([`cookie: CF_Authorization=${token}`])).status, 401)
      t.equal((await send([`x-amzn-oidc-data: ${token}`])).status, 401)
      for (const empty of [`${gatewayHeader}:`, `${gatewayHeader}: ,${token}`]) {
        t.equal((await send([empty, authorization])).status, 401, empty.slice(0, 40))
      }
      t.equal((await send([...present(token), 'authorization: Bearer forged'])).status, 200)
    })
  })
}

t.test('a header that is sent twice is one malformed token', async (t) => {
  const { key, send } = await runRecipe(t, googleIap)
  const line = `X-Goog-IAP-JWT-Assertion: ${tokenOf(googleIap, key)}`
  const answer = await send([line, line])
  t.match(JSON.parse(answer.body), { message: 'The access token is malformed' })
})

t.test('a shared issuer: rejects other customers on routes without a requirement', async (t) => {
  const others = {
    'Accept GitHub Actions tokens': 'a repository of another owner',
    'Accept GitLab CI/CD ID tokens': 'a project of another namespace',
    'Accept ID tokens of Google services': 'a service account of another customer',
  }
  for (const [heading, other] of Object.entries(others)) {
    await t.test(heading, async (t) => {
      const recipe = RECIPES.find((one) => one.heading === heading) as Recipe
      const code = `${codeOf(recipe)}\napp.get('/open', handler)`
      const { key, send, present } = await runRecipe(t, recipe, code)
      const change = recipe.rejected[other] as Rejected
      t.equal((await send(present(tokenOf(recipe, key)), 'GET /open')).status, 200)
      t.equal((await send(present(tokenOf(recipe, key, change)), 'GET /open')).status, 401)

      const unchecked = await runRecipe(t, recipe, code.replace(/isAccessToken: .*/, ''))
      const token = tokenOf(recipe, unchecked.key, change)
      t.equal((await unchecked.send(present(token), 'GET /open')).status, 200, 'without the check')
    })
  }
})

t.test('Kubernetes: sends the current bearer token to the key set only', async (t) => {
  const folder = t.testdir({ token: 'bearer-1' })
  const code = codeOf(kubernetes).replace(TOKEN_FILE, `${folder}/token`)
  const { app, key, send, present, fetched } = await runRecipe(t, kubernetes, code)
  t.equal((await send(present(tokenOf(kubernetes, key)))).status, 200)
  writeFileSync(`${folder}/token`, 'bearer-2')
  await app.resourceServer.refreshKeys()
  const jwksUri = 'https://kubernetes.default.svc/openid/v1/jwks'
  t.same(fetched, [`${jwksUri} Bearer bearer-1`, `${jwksUri} Bearer bearer-2`])
})

t.test(
  'Kubernetes: fetches the key set with the certificate authority of the cluster',
  async (t) => {
    const authority = await makeCertificate('kubernetes', { isAuthority: true })
    const { cert, key: privateKey } = await makeCertificate('kube-apiserver', { issuer: authority })
    const key = await makeKey(kubernetes.alg, 'key-1')
    const apiServer = createServer({ cert, key: privateKey }, (request, response) => {
      const isAllowed = request.headers.authorization === 'Bearer bearer-1'
      response.writeHead(isAllowed && request.url === '/openid/v1/jwks' ? 200 : 401)
      response.end(JSON.stringify({ keys: [key.publicJwk] }))
    })
    t.teardown(() => apiServer.close())
    await once(apiServer.listen(0, '127.0.0.1'), 'listening')
    const { port } = apiServer.address() as AddressInfo
    const folder = t.testdir({ token: 'bearer-1', 'ca.crt': authority.cert })
    const code = codeOf(kubernetes)
      .replace(TOKEN_FILE, `${folder}/token`)
      .replace('https://kubernetes.default.svc/', `https://localhost:${port}/`)
    const request = {
      method: 'POST',
      url: '/orders',
      headers: { authorization: `Bearer ${tokenOf(kubernetes, key)}` },
    }
    writeFileSync(
      `${folder}/api.js`,
      `import Fastify from 'fastify'
    import resourceServer from 'fastify-resource-server'
    const app = Fastify({ logger: { level: 'warn' } })
    const handler = async () => 'ok'
    ${code}
    console.log((await app.inject(${JSON.stringify(request)})).statusCode)
    await app.close()`,
    )
    const trusting = await run(`${folder}/api.js`, { NODE_EXTRA_CA_CERTS: `${folder}/ca.crt` })
    t.same(trusting, { code: 0, stdout: '200\n', stderr: '' })
    const { stdout } = await run(`${folder}/api.js`)
    t.match(stdout, /unable to verify the first certificate/)
    // The log is written asynchronously, so its lines and this one can be in either order.
    t.match(stdout, /^503$/m)
  },
)

t.test('SPIFFE: no registration accepts a JWT-SVID without iss', async (t) => {
  const key = await makeKey('ES256', 'key-1')
  const keys = { jwks: { keys: [key.publicJwk] } }
  const audience = 'spiffe://example.org/orders'
  const sub = 'spiffe://example.org/ns/shop/sa/checkout'
  let calls = 0
  const resolve = () => {
    calls++
    return keys
  }
  const registrations: Record<string, ResourceServerOptions> = {
    'static keys': { issuer: 'https://oidc.example.org', audience, ...keys },
    'a plain string': { issuer: 'spiffe://example.org', audience, ...keys },
    'a function': { issuer: resolve, audience },
    'no audience': {
      issuer: 'spiffe://example.org',
      dangerouslyNoAudience: { claims: { sub } },
      ...keys,
    },
  }
  const token = tokenOf(spiffe, key, { claims: { iss: undefined } })
  for (const [name, options] of Object.entries(registrations)) {
    const server = await createResourceServer(options)
    t.match(await rejectionOf(server, token), { statusCode: 401, check: 'issuer' }, name)
    server.close()
  }
  t.equal(calls, 0)
})

t.test('SPIFFE: skips the keys of a bundle endpoint', async (t) => {
  const documents: Recipe['documents'] = (keys) => {
    const { 'https://oidc.example.org/keys': _, ...metadata } = spiffe.documents(keys)
    const bundle = keys.map((key) => ({ ...key, use: 'jwt-svid' }))
    return { ...metadata, 'https://oidc.example.org/keys': { keys: bundle, spiffe_sequence: 1 } }
  }
  const { key, send, present, logged } = await runRecipe(t, { ...spiffe, documents })
  t.equal((await send(present(tokenOf(spiffe, key)))).status, 503)
  const quoted = 'has "use": "jwt-svid" and not "sig"'
  t.ok(sectionOf(spiffe.heading).includes(quoted))
  t.ok(logged.some((line) => JSON.parse(line).err?.message.includes(quoted)))
})

t.test('Google: rejects a token whose signature Cloud Run removed', async (t) => {
  const { key, send, present } = await runRecipe(t, googleServices)
  const [header, claims] = tokenOf(googleServices, key).split('.')
  const answer = await send(present(`${header}.${claims}.SIGNATURE_REMOVED_BY_GOOGLE`))
  t.equal(answer.status, 401)
  t.equal(answer.check, 'signature')
  const { message } = JSON.parse(answer.body)
  t.match(sectionOf(googleServices.heading), `SIGNATURE_REMOVED_BY_GOOGLE\` | 401 \`${message}\``)
})

t.test(
  'J9: AWS: x-amzn-oidc-data is malformed, and without padding its signature is invalid',
  async (t) => {
    const key = await makeKey('ES256', 'key-1')
    const issuer = 'https://login.example.com'
    const exp = seconds() + 120
    const header = {
      typ: 'JWT',
      kid: 'key-1',
      alg: 'ES256',
      iss: issuer,
      client: '1example23456789',
      signer:
        'arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/orders/50dc6c495c0c9188',
      exp,
    }
    const claims = { sub: '2b3c4d5e', email: 'ada@example.com', username: 'ada', exp, iss: issuer }
    const input = [header, claims]
      .map((part) => padded(Buffer.from(JSON.stringify(part))))
      .join('.')
    const data = `${input}.${padded(signature(key, input))}`
    t.match(input, '=')
    const server = await createResourceServer({
      issuer,
      jwks: { keys: [key.publicJwk] },
      dangerouslyNoAudience: { issuerServesThisApiOnly: true },
    })
    t.teardown(() => server.close())
    const message = 'The access token is malformed'
    t.match(await rejectionOf(server, data), { check: 'token', message })
    const unpadded = data.replaceAll('=', '')
    t.match(await rejectionOf(server, unpadded), { check: 'signature' })
  },
)

/** Returns the error that rejects the token; `undefined` if the token is accepted. */
function rejectionOf(server: ResourceServer, token: string): Promise<unknown> {
  return server.verify(token).then(
    () => undefined,
    (error: unknown) => error,
  )
}

/** Returns base64url with padding, as the load balancer writes it. */
function padded(bytes: Buffer): string {
  const text = bytes.toString('base64url')
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=')
}
