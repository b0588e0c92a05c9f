/**
 * Serves a web page for exploration: log in, see the token, call the API, and see which step of the
 * pipeline rejects the request. The page, the API and the embedded authorization server are three
 * origins on loopback. Run `npm run example playground`, then open the URL that it prints. `PORT`
 * sets the page's port.
 */
import { generateKeyPairSync } from 'node:crypto'
import { createAuthorizationServer, testUser } from 'fastify-resource-server/testing'
import { type Api, startApi } from './api.js'
import { startPage } from './page-server.js'

const { PORT = '0' } = process.env

const authorizationServer = await createAuthorizationServer()
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
let api: Api
const page = await startPage(authorizationServer, () => api, publicKey, Number(PORT))
api = await startApi(authorizationServer.issuer, page.listeningOrigin, privateKey)

console.log(`
  Open ${page.listeningOrigin}

  API     ${api.origin}
  issuer  ${authorizationServer.issuer}
  user    ${testUser.username}, ${testUser.password}

  Press Ctrl-C to stop.`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await Promise.all([page.close(), api.close(), authorizationServer.close()])
  })
}
