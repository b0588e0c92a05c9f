/**
 * Verifies tokens sequentially: new and known tokens with this package, jose's `jwtVerify` with
 * loaded keys, and a bare signature verification as the lower bound.
 */
import { createLocalJWKSet, jwtVerify } from 'jose'
import { createResourceServer } from '../../dist/index.js'
import { bareVerifier } from '../bare-verifier.js'
import { serveCalls } from '../ipc.js'
import { AUDIENCE } from '../jwt.js'
import { ISSUER, issue, issuerWith, keysFor } from './issuance.js'
import { sample } from './sample.js'

serveCalls({
  async measure({ quick }) {
    const measured = {}
    for (const algorithm of ['RS256', 'ES256', 'PS256', 'EdDSA']) {
      const subjects = await subjectsOf(algorithm, quick ? 400 : 2_500)
      measured[algorithm] = await sample(subjects, quick ? 2 : 9)
    }
    return measured
  },
})

async function subjectsOf(algorithm, count) {
  const keys = keysFor(algorithm)
  const tokens = issue([{ key: keys[0] }], count)
  const options = issuerWith(keys)
  const each = (verify) => async () => {
    for (const token of tokens) await verify(token)
    return tokens.length
  }
  const known = await createResourceServer(options)
  for (const token of tokens) await known.verify(token)
  const jwks = createLocalJWKSet(options.jwks)
  const expected = { issuer: ISSUER, audience: AUDIENCE }
  const bare = bareVerifier(options.jwks)
  return {
    'ours, new token': {
      // A new server for each round, so that no token is cached.
      prepare: () => createResourceServer(options),
      run: (fresh) => each((token) => fresh.verify(token))(),
    },
    'ours, known token': { run: each((token) => known.verify(token)) },
    'jose, jwtVerify': { run: each((token) => jwtVerify(token, jwks, expected)) },
    'parse + bare verify': { run: each(bare) },
  }
}
