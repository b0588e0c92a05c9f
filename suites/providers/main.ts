/** Checks the fixtures of all profiles, and prints the results as a Markdown table. */
import process from 'node:process'
import { type Cell, COLUMNS, checkProvider } from '../../test/fixtures/providers/check-provider.js'
import { ALL_FIXTURES } from '../../test/fixtures/providers/providers.js'

const selected = process.argv.slice(2)
const profiles = [...new Set(Object.values(ALL_FIXTURES).map(({ profile }) => `${profile}`))]
const unknownName = selected.find((name) => !profiles.includes(name))
if (unknownName !== undefined) {
  console.error(`${unknownName} is not a profile: use ${profiles.join(', ')}`)
  process.exit(2)
}

console.log(`| ${['profile, registration', ...COLUMNS].join(' | ')} |`)
console.log(`|${' --- |'.repeat(COLUMNS.length + 1)}`)
for (const [name, fixture] of Object.entries(ALL_FIXTURES)) {
  if (selected.length > 0 && !selected.includes(fixture.profile)) continue
  const row = await checkProvider(fixture)
  const cells = COLUMNS.map((column) => row[column])
  console.log(`| ${[name, ...cells.map(textOf)].join(' | ')} |`)
  if (cells.some((cell) => isFailing(cell))) process.exitCode = 1
}

function textOf(cell: Cell): string {
  const text = cell.text.replaceAll('|', '\\|')
  return isFailing(cell) ? `FAILED: ${text || 'empty'}` : text
}

function isFailing({ passed, text }: Cell): boolean {
  return !passed || text === ''
}
