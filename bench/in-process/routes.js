/** Measures requests to APIs with few and many routes, protected with a requirement or open. */
import Fastify from 'fastify'
import resourceServer from '../../dist/index.js'

export async function routesSubjects(options, token, requests) {
  const subjects = {}
  for (const routes of [1, 50, 500]) {
    for (const kind of ['open', 'protected']) {
      const app = Fastify()
      if (kind === 'protected') await app.register(resourceServer, options)
      const config = kind === 'protected' ? { auth: { scope: 'orders:read' } } : {}
      for (let i = 0; i < routes; i++) app.get(`/route-${i}`, { config }, async () => 'ok')
      await app.ready()
      subjects[`${routes}, ${kind}`] = {
        async run() {
          for (let i = 0; i < requests; i++) {
            const { statusCode } = await app.inject({
              url: `/route-${i % routes}`,
              headers: { authorization: `Bearer ${token}` },
            })
            if (statusCode !== 200) throw new Error(`status ${statusCode}`)
          }
          return requests
        },
      }
    }
  }
  return subjects
}
