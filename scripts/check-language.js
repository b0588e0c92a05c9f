/**
 * Fails on words that docs/contributing/language.md retires: in the code, comments and messages of
 * src, test, examples, scripts, suites, bench and site, and in the documentation. Part of `npm run
 * check`.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const GUIDE = 'docs/contributing/language.md'
const COVERED =
  /^(?:src|test|examples|scripts|docs|suites|bench|site)\/.*\.(?:[cm]?[jt]s|md|vue)$|^[A-Z]+\.md$/

const [, list = ''] = /^## Retired words$.*?^```text\n(.*?)\n```$/ms.exec(read(GUIDE)) ?? []
const words = list.split(/\n|, /).filter(Boolean)
if (words.length < 10) throw new Error(`${GUIDE} has no list of retired words`)
const retired = new RegExp(`\\b(?:${words.join('|')})\\b`, 'gi')

const files = execFileSync('git', ['ls-files'], { encoding: 'utf8' }).split('\n')
const found = files
  .filter((file) => COVERED.test(file) && file !== GUIDE)
  .flatMap((file) =>
    read(file)
      .split('\n')
      .flatMap((line, index) =>
        [...line.matchAll(retired)].map(([word]) => `${file}:${index + 1}: ${word}`),
      ),
  )
for (const place of found) console.error(place)
if (found.length > 0) {
  console.error(`${found.length} words that ${GUIDE} retires`)
  process.exitCode = 1
}

function read(file) {
  return readFileSync(file, 'utf8')
}
