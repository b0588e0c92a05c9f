/** Runs the embedded authorization server in a separate process. */
import { createAuthorizationServer, testClient } from 'fastify-resource-server/testing'

let issuer

const calls = {
  async open() {
    issuer = await createAuthorizationServer({ algorithm: 'ES256', accessTokenLifetime: 7_200 })
    return { issuer: issuer.issuer, audience: issuer.audience, client: testClient }
  },
  issue: (claims, options) => issuer.issueToken(claims, options),
  keySet: () => issuer.keySet(),
  rotate: () => issuer.rotateKeys(),
  fail: (fault) => issuer.fail(fault),
  recover: () => issuer.recover(),
  requests: () => issuer.requests,
}

process.on('message', async ({ id, call, args }) => {
  try {
    process.send({ id, result: await calls[call](...args) })
  } catch (error) {
    process.send({ id, error: error.message })
  }
})
process.on('disconnect', () => process.exit())
