/** F43: the response schema of a route does not turn a rejection into a 500. */
import Fastify, { type FastifySchema } from 'fastify'
import t from 'tap'
import resourceServer from '../../src/index.js'
import { bearer, given, protectedApi, tokenOf } from '../fixtures/protected-api.js'

const valid = await tokenOf()
const object = (properties: object, required: string[] = []) => ({
  type: 'object',
  properties,
  required,
})

/** Schemas that our error body does not match. */
const unfit: Record<string, object> = {
  'a member that is required': object({ errorId: { type: 'string' } }, ['errorId']),
  'a code that is a number': object({ code: { type: 'integer' } }),
  'a nested object': object({ error: object({ id: { type: 'string' } }, ['id']) }, ['details']),
  anyOf: { anyOf: [object({ a: { type: 'integer' } }, ['a']), { type: 'integer' }] },
}

t.test('keeps the status 401, 403 and 503', async (t) => {
  for (const [title, schema] of Object.entries(unfit)) {
    for (const key of ['exact', '4xx', 'default']) {
      const response = (status: number): FastifySchema => ({
        response:
          key === 'exact'
            ? { [status]: schema }
            : key === '4xx'
              ? { '4xx': schema, '5xx': schema }
              : { default: schema },
      })
      const app = await protectedApi(t, { issuer: 'http://127.0.0.1:9/', jwks: {} })
      app.get('/401', { schema: response(401) }, () => t.fail('let in'))
      app.get('/503', { schema: response(503) }, () => t.fail('let in'))
      const unavailable = bearer(await tokenOf({ iss: 'http://127.0.0.1:9/' }))
      for (const [url, headers, status, code] of [
        ['/401', {}, 401, 'missing_credentials'],
        ['/401', bearer('bad'), 401, 'invalid_token'],
        ['/503', unavailable, 503, 'temporarily_unavailable'],
      ] as const) {
        for (const method of ['GET', 'HEAD'] as const) {
          const reply = await app.inject({ method, url, headers })
          t.equal(reply.statusCode, status, `${title}, ${key}, ${method} ${code}`)
          const name = status === 503 ? 'retry-after' : 'www-authenticate'
          t.ok(reply.headers[name], name)
          t.match(reply.headers['content-type'], /^application\/json/)
          if (method === 'GET') {
            t.match(reply.json(), { statusCode: status, code, message: String, error: String })
            t.equal(reply.headers['content-length'], `${reply.body.length}`)
          }
        }
      }
    }
  }
})

t.test('applies a matching schema', async (t) => {
  const app = await protectedApi(t)
  const schema = { response: { 401: object({ message: { type: 'string' } }, ['message']) } }
  app.get('/', { schema }, () => t.fail('let in'))
  const response = await app.inject('/')
  t.equal(response.statusCode, 401)
  t.same(response.json(), { message: 'An access token is required' })
})

t.test('applies a schema that matches the body of the application error handler', async (t) => {
  const app = await protectedApi(t)
  app.setErrorHandler((_error, _request, reply) => reply.code(401).send({ errorId: 'e1' }))
  app.get('/', { schema: { response: { 401: unfit['a member that is required'] } } }, () => 'in')
  const response = await app.inject('/')
  t.equal(response.statusCode, 401)
  t.same(response.json(), { errorId: 'e1' })
})

t.test('keeps the status if the body of the error handler does not match', async (t) => {
  const app = await protectedApi(t)
  app.setErrorHandler((_error, _request, reply) => reply.code(401).send({ other: 'shape' }))
  app.get('/', { schema: { response: { 401: unfit['a member that is required'] } } }, () => 'in')
  const response = await app.inject('/')
  t.equal(response.statusCode, 401)
  t.match(response.headers['www-authenticate'], /^Bearer /)
})

t.test('applies to routes declared before the plugin', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const schema = { response: { 401: unfit['a member that is required'] } }
  app.register(resourceServer, given())
  app.get('/', { schema }, () => t.fail('let in'))
  t.equal((await app.inject('/')).statusCode, 401)
})

t.test('leaves a 500 of the application unchanged', async (t) => {
  const app = await protectedApi(t)
  app.get('/', { schema: { response: { '5xx': unfit['a member that is required'] } } }, () => {
    throw new Error('own')
  })
  t.equal((await app.inject({ url: '/', headers: bearer(valid) })).statusCode, 500)
})
