/** Measures requests to a route that requires a scope, in each way to require it. */
import Fastify from 'fastify'
import resourceServer from '../../dist/index.js'

const SCOPE = 'orders:read'
const handler = async () => 'ok'

const ROUTES = {
  'no scope': [{}, handler],
  'a scope': [{ scope: SCOPE }, handler],
  'a function': [{ scope: ({ method }) => (method === 'GET' ? SCOPE : 'orders:write') }, handler],
  'request.requireScope()': [
    {},
    async (request) => {
      request.requireScope(SCOPE)
      return 'ok'
    },
  ],
}

/** @param token a token with the scope `orders:read`. */
export async function scopeSubjects(options, token, requests) {
  const app = Fastify()
  await app.register(resourceServer, options)
  const names = Object.keys(ROUTES)
  for (const [i, [auth, handle]] of Object.values(ROUTES).entries()) {
    app.get(`/${i}`, { config: { auth } }, handle)
  }
  // A broad scope implies the required one, among 100 scopes with implied ones.
  const broad = Fastify()
  const scopeImplies = Object.fromEntries(
    Array.from({ length: 100 }, (_, i) => [i === 0 ? SCOPE : `scope:${i}`, [`implied:${i}`]]),
  )
  await broad.register(resourceServer, { ...options, scopeImplies })
  broad.get('/', { config: { auth: { scope: 'implied:0' } } }, handler)
  await Promise.all([app.ready(), broad.ready()])
  const subject = (api, url) => ({
    async run() {
      for (let i = 0; i < requests; i++) {
        const headers = { authorization: `Bearer ${token}` }
        const { statusCode } = await api.inject({ url, headers })
        if (statusCode !== 200) throw new Error(`status ${statusCode}`)
      }
      return requests
    },
  })
  const subjects = names.map((name, i) => [name, subject(app, `/${i}`)])
  return { ...Object.fromEntries(subjects), 'an implied scope': subject(broad, '/') }
}
