/**
 * Serves an OpenAuth issuer on loopback. Arguments: port.
 *
 * Signs in the user `ada` without showing a page, so that a test completes the authorization code
 * flow by following redirects.
 */
import { createServer } from 'node:http'
import process from 'node:process'
import { issuer } from '@openauthjs/openauth'
import { MemoryStorage } from '@openauthjs/openauth/storage/memory'
import { createSubjects } from '@openauthjs/openauth/subject'

const port = Number(process.argv[2])
const anyProperties = {
  '~standard': { version: 1, vendor: 'example', validate: (value) => ({ value }) },
}

const app = issuer({
  subjects: createSubjects({ user: anyProperties, job: anyProperties }),
  storage: MemoryStorage(),
  allow: async () => true,
  providers: {
    test: {
      type: 'test',
      init: (routes, context) =>
        routes.get('/authorize', (request) => context.success(request, { user: 'ada' })),
      client: async ({ clientID }) => ({ job: clientID }),
    },
  },
  success: (response, { user, job }) =>
    user === undefined
      ? response.subject('job', { roles: ['importer'] }, { subject: job })
      : response.subject('user', { roles: ['editor'] }, { subject: user }),
})

createServer(async (request, response) => {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  const { method, headers } = request
  const body = chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}
  const url = `http://127.0.0.1:${port}${request.url}`
  const answer = await app.fetch(new Request(url, { method, headers, ...body }))
  response.writeHead(answer.status, [...answer.headers].flat())
  response.end(Buffer.from(await answer.arrayBuffer()))
}).listen(port, '127.0.0.1')
