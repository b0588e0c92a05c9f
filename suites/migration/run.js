/**
 * Runs the programs of docs/migration, before and after, against embedded authorization servers,
 * and compares their responses with the tables of its README.md. `npm run suite -- migration`, which
 * builds dist and fetches the other libraries (bench/package.json) from the registry;
 * `--markdown` prints the tables.
 */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createAuthorizationServer } from '../../dist/testing/index.js'
import { npm } from '../../scripts/packed-package.js'
import { requestsFor } from './cases.js'
import { readPages } from './programs.js'
import { startProgram } from './running.js'

/** The pages in each table, in the order of their columns. */
const TABLES = [
  [
    'fastify-jwt',
    'fastify-jwt-jwks',
    'fastify-auth0-verify',
    'express-oauth2-jwt-bearer',
    'express-jwt',
  ],
  ['okta-jwt-verifier', 'aws-jwt-verify', 'jose', 'better-auth'],
]
/** The registry does not have this library: only the program after the migration runs. */
const UNAVAILABLE = ['auth0-fastify-api']

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = join(root, 'docs', 'migration')
const overview = await readFile(join(folder, 'README.md'), 'utf8')
const pages = await readPages(folder)
const listed = [...TABLES.flat(), ...UNAVAILABLE].sort()
if (listed.join() !== [...pages.keys()].sort().join())
  throw new Error(`docs/migration has other pages than the tables of this suite: ${listed}`)
await npm(['install', '--silent', '--no-save', '--prefix', 'bench'], root)
// The other libraries resolve from bench, and this package resolves by its name from .build.
await mkdir(join(root, '.build'), { recursive: true })
const folders = {
  before: await mkdtemp(join(root, 'bench', 'migration-')),
  after: await mkdtemp(join(root, '.build', 'migration-')),
}

try {
  const responses = new Map(await Promise.all([...pages].map(compare)))
  const statusesAfter = [...responses.values()].map(({ after }) => after)
  const tables = TABLES.map((names) =>
    tableOf(
      names.map((name) => responses.get(name)),
      statusesAfter,
    ),
  )
  const missing = tables.filter((table) => !overview.includes(table))
  if (process.argv.includes('--markdown')) console.log(tables.join('\n\n'))
  else if (missing.length === 0) {
    const count = 2 * pages.size - UNAVAILABLE.length
    console.log(`ok ${count} programs respond as docs/migration/README.md states`)
  } else {
    console.error(`not ok: docs/migration/README.md lacks these tables:\n\n${missing.join('\n\n')}`)
    process.exitCode = 1
  }
} finally {
  for (const path of Object.values(folders)) await rm(path, { recursive: true })
}

/** Returns the statuses of both programs, by request. */
async function compare([page, { name, ...programs }]) {
  // Okta's verifier requires tokens in Okta's format; the other programs accept standard ones.
  const profile = page === 'okta-jwt-verifier' ? 'okta' : 'standard'
  const responses = { name }
  for (const when of UNAVAILABLE.includes(page) ? ['after'] : ['before', 'after']) {
    responses[when] = await measure(programs[when], join(folders[when], `${page}.js`), profile)
  }
  return [page, responses]
}

async function measure(code, file, profile) {
  const issuer = await createAuthorizationServer({ profile })
  const otherIssuer = await createAuthorizationServer({ profile })
  // Publishes the ES256 key before the program fetches the key set.
  await issuer.issueToken({}, { algorithm: 'ES256' })
  const statuses = {}
  const warm = await startProgram(code, file, issuer.issuer)
  for (const [title, makeRequest] of Object.entries(requestsFor(issuer, otherIssuer))) {
    statuses[title] = await statusOf(warm.url, await makeRequest())
  }
  await warm.stop()
  const cold = await startProgram(code, file, issuer.issuer)
  const authorization = `Bearer ${await issuer.issueToken()}`
  await issuer.suspend()
  const status = await statusOf(cold.url, { path: '/me', authorization })
  statuses['a valid token; the issuer is down, and no key is cached'] = status
  await cold.stop()
  await Promise.all([issuer.close(), otherIssuer.close()])
  return statuses
}

async function statusOf(url, { path, authorization }) {
  const headers = authorization === undefined ? {} : { authorization }
  const response = await fetch(url + path, { headers })
  await response.arrayBuffer()
  return response.status
}

function tableOf(responses, statusesAfter) {
  const row = (...cells) => `| ${cells.join(' | ')} |`
  return [
    row('', ...responses.map(({ name }) => name), 'this package'),
    row(...Array(responses.length + 2).fill('---')),
    ...Object.keys(statusesAfter[0]).map((title) => {
      const statuses = new Set(statusesAfter.map((statuses) => statuses[title]))
      return row(title, ...responses.map(({ before }) => before[title]), [...statuses].join(' or '))
    }),
  ].join('\n')
}
