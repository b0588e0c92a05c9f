/**
 * Runs the programs of docs/migration.md, before and after, against embedded authorization servers,
 * and compares their responses with the table of that page. `npm run suite -- migration`, which
 * builds dist and fetches the other libraries (bench/package.json) from the registry;
 * `--markdown` prints the table.
 */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createAuthorizationServer } from '../../dist/testing/index.js'
import { npm } from '../../scripts/packed-package.js'
import { requestsFor } from './cases.js'
import { sectionsOf } from './programs.js'
import { startProgram } from './running.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = await readFile(join(root, 'docs', 'migration.md'), 'utf8')
const sections = sectionsOf(page)
await npm(['install', '--silent', '--no-save', '--prefix', 'bench'], root)
// The other libraries resolve from bench, and this package resolves by its name from .build.
await mkdir(join(root, '.build'), { recursive: true })
const folders = {
  before: await mkdtemp(join(root, 'bench', 'migration-')),
  after: await mkdtemp(join(root, '.build', 'migration-')),
}

try {
  const table = tableOf(await Promise.all(sections.map(compare)))
  if (process.argv.includes('--markdown')) console.log(table)
  else if (page.includes(table))
    console.log(`ok ${2 * sections.length} programs respond as docs/migration.md states`)
  else {
    console.error(`not ok: the table in docs/migration.md differs from the responses:\n\n${table}`)
    process.exitCode = 1
  }
} finally {
  for (const folder of Object.values(folders)) await rm(folder, { recursive: true })
}

/** Returns the statuses of both programs, by request. */
async function compare({ name, ...programs }, index) {
  // Okta's verifier requires tokens in Okta's format; the other programs accept standard ones.
  const profile = name.includes('okta') ? 'okta' : 'standard'
  const responses = { name }
  for (const when of ['before', 'after']) {
    const file = join(folders[when], `${index}.js`)
    responses[when] = await measure(programs[when], file, profile)
  }
  return responses
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

function tableOf(responses) {
  const row = (...cells) => `| ${cells.join(' | ')} |`
  const [{ after }] = responses
  return [
    row('', ...responses.map(({ name }) => name), 'this package'),
    row(...Array(responses.length + 2).fill('---')),
    ...Object.keys(after).map((title) => {
      const statuses = new Set(responses.map(({ after }) => after[title]))
      return row(title, ...responses.map(({ before }) => before[title]), [...statuses].join(' or '))
    }),
  ].join('\n')
}
