/**
 * Runs the programs of docs/migration.md, before and after, against embedded authorization servers,
 * and compares their responses with the table of that page. `npm run suite -- migration`, which
 * builds dist and fetches the peers of bench/package.json from the registry; `--markdown` prints
 * the table.
 */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createAuthorizationServer } from '../../dist/testing/index.js'
import { npm } from '../../scripts/packed-package.js'
import { casesWith } from './cases.js'
import { sectionsOf } from './programs.js'
import { start } from './running.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = await readFile(join(root, 'docs', 'migration.md'), 'utf8')
const sections = sectionsOf(page)
await npm(['install', '--silent', '--no-save', '--prefix', 'bench'], root)
// Where the peers, and the package by its name, are resolved.
await mkdir(join(root, '.build'), { recursive: true })
const folders = {
  before: await mkdtemp(join(root, 'bench', 'moving-')),
  after: await mkdtemp(join(root, '.build', 'moving-')),
}

try {
  const table = tableOf(await Promise.all(sections.map(compare)))
  if (process.argv.includes('--markdown')) console.log(table)
  else if (page.includes(table)) console.log(`ok ${2 * sections.length} programs, as the page says`)
  else {
    console.error(`not ok: docs/migration.md has another table than what was seen:\n\n${table}`)
    process.exitCode = 1
  }
} finally {
  for (const folder of Object.values(folders)) await rm(folder, { recursive: true })
}

/** The responses of both programs, by request. */
async function compare({ name, ...programs }, index) {
  // Okta's verifier requires tokens in Okta's format; the other programs accept standard ones.
  const profile = name.includes('okta') ? 'okta' : 'standard'
  const answers = { name }
  for (const when of ['before', 'after']) {
    const file = join(folders[when], `${index}.js`)
    answers[when] = await play(programs[when], file, profile)
  }
  return answers
}

async function play(code, file, profile) {
  const issuer = await createAuthorizationServer({ profile })
  const otherIssuer = await createAuthorizationServer({ profile })
  // Published from the start, like an issuer that always had two keys.
  await issuer.issueToken({}, { algorithm: 'ES256' })
  const statuses = {}
  const warm = await start(code, file, issuer.issuer)
  for (const [what, make] of Object.entries(casesWith(issuer, otherIssuer))) {
    statuses[what] = await statusOf(warm.url, await make())
  }
  await warm.stop()
  const cold = await start(code, file, issuer.issuer)
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

function tableOf(answers) {
  const row = (...cells) => `| ${cells.join(' | ')} |`
  const [{ after }] = answers
  return [
    row('', ...answers.map(({ name }) => name), 'this package'),
    row(...Array(answers.length + 2).fill('---')),
    ...Object.keys(after).map((what) => {
      const seen = new Set(answers.map((one) => one.after[what]))
      return row(what, ...answers.map(({ before }) => before[what]), [...seen].join(' or '))
    }),
  ].join('\n')
}
