/**
 * Measures whether a known token costs more with more tokens, issuers, keys or routes, and with each
 * way to require a scope.
 */
import { createResourceServer } from '../../dist/index.js'
import { serveCalls } from '../ipc.js'
import { ISSUER, issue, issuerWith, keysFor } from './issuance.js'
import { routesSubjects } from './routes.js'
import { sample } from './sample.js'
import { scopeSubjects } from './scopes.js'

const OPERATIONS = 20_000

serveCalls({
  async measure({ quick }) {
    const rounds = quick ? 2 : 9
    const [key] = keysFor('ES256')
    const manyTokens = issue([{ key }], quick ? 1_000 : 100_000)
    return {
      'known tokens': await scale(
        rounds,
        quick ? [100, 1_000] : [100, 1_000, 10_000, 100_000],
        (size) => hits(issuerWith([key]), manyTokens.slice(0, size)),
      ),
      issuers: await scale(rounds, [1, 10, 100], (size) => {
        const signers = keysFor('ES256', size).map((key, i) => ({ key, issuer: `${ISSUER}/${i}` }))
        const issuers = signers.map(({ key, issuer }) => issuerWith([key], issuer))
        return hits({ issuer: issuers }, issue(signers, 1_000))
      }),
      keys: await scale(rounds, [1, 10, 50], (size) => {
        const keys = keysFor('ES256', size)
        return hits(
          issuerWith(keys),
          issue(
            keys.map((key) => ({ key })),
            1_000,
          ),
        )
      }),
      routes: await sample(
        await routesSubjects(issuerWith([key]), manyTokens[0], quick ? 500 : 3_000),
        rounds,
      ),
      scopes: await sample(
        await scopeSubjects(issuerWith([key]), manyTokens[0], quick ? 500 : 3_000),
        rounds,
      ),
    }
  },
})

async function scale(rounds, sizes, subjectOf) {
  const subjects = {}
  for (const size of sizes) subjects[size] = await subjectOf(size)
  return sample(subjects, rounds)
}

async function hits(options, tokens) {
  const tokenCache = { maxEntries: 200_000, maxBytes: 2 ** 30 }
  const resourceServer = await createResourceServer({ ...options, tokenCache })
  for (const token of tokens) await resourceServer.verify(token)
  return {
    async run() {
      for (let i = 0; i < OPERATIONS; i++)
        await resourceServer.verify(tokens[(i * 7_919) % tokens.length])
      return OPERATIONS
    },
  }
}
