/** The mutation suite explains surviving mutants by lines of src, which a change can move. */
import { readFileSync } from 'node:fs'
import t from 'tap'

const suite = new URL('../../suites/mutation/explained.js', import.meta.url)
const { EXPLAINED } = (await import(suite.href)) as {
  EXPLAINED: readonly { file: string; line?: string }[]
}

t.test('each explained mutant is of a line that its file has', async (t) => {
  t.ok(EXPLAINED.length > 30)
  for (const { file, line } of EXPLAINED) {
    const lines = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8').split('\n')
    t.ok(line === undefined || lines.some((one) => one.trim() === line), `${file}: ${line}`)
  }
})
