/**
 * What the plugin costs: the same route of the same Fastify, open and protected, asked in turns, so
 * that a noisy machine disturbs all alike. Prints requests per second and the ratio to the open one.
 *
 *   npm run bench              4 rounds of 4 s
 *   npm run bench -- --quick   2 rounds of 1 s
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import autocannon from 'autocannon'
import { mint } from './tokens.js'

const quick = process.argv.includes('--quick')
const rounds = quick ? 2 : 4
const duration = quick ? 1 : 4
const KNOWN = 1_000
const FIRST_SEEN = quick ? 20_000 : 60_000

console.log(`minting ${KNOWN + FIRST_SEEN} RS256 tokens`)
const { jwks, issuer, audience, tokens } = mint(KNOWN + FIRST_SEEN)
const known = tokens.slice(0, KNOWN)
const fresh = tokens.slice(KNOWN)
console.log(`tokens of ${tokens[0].length} characters, 50 connections, Node ${process.version}`)

const server = fork(new URL('./server.js', import.meta.url), [])
server.send({ jwks, issuer, audience })
const [{ port }] = await once(server, 'message')

const cases = {
  'open route': { path: '/open', next: () => undefined },
  'known tokens': { path: '/protected', next: cycle(known) },
  'every token new': { path: '/protected', next: cycle(fresh) },
  "jose's jwtVerify in a hook": { path: '/jose', next: cycle(known) },
}
const rates = Object.fromEntries(Object.keys(cases).map((name) => [name, []]))

for (let round = 0; round <= rounds; round++) {
  for (const [name, { path, next }] of Object.entries(cases)) {
    const rate = await measure(path, next)
    // The first round warms up.
    if (round > 0) rates[name].push(rate)
  }
}
server.kill()

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
const open = median(rates['open route'])
console.log('\ncase                         requests/s   ratio')
for (const [name, values] of Object.entries(rates)) {
  const rate = median(values)
  console.log(
    `${name.padEnd(28)} ${rate.toFixed(0).padStart(10)} ${(rate / open).toFixed(2).padStart(7)}`,
  )
}

function cycle(list) {
  let i = 0
  return () => list[i++ % list.length]
}

async function measure(path, next) {
  const result = await autocannon({
    url: `http://127.0.0.1:${port}${path}`,
    connections: 50,
    duration,
    requests: [
      {
        setupRequest(request) {
          const token = next()
          const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
          return { ...request, headers }
        },
      },
    ],
  })
  if (result.non2xx > 0 || result.errors > 0) {
    throw new Error(`${path}: ${result.non2xx} refused, ${result.errors} errors`)
  }
  return result.requests.average
}
