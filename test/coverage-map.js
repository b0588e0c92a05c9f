/** Coverage is counted for the sources alone: the examples that tests run use the built package. */
import { readdirSync } from 'node:fs'

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => `src/${file}`)

export default () => sources
