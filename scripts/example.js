/** Runs one of the examples, built: `npm run example okta`. */
import { existsSync, readdirSync } from 'node:fs'

const folder = new URL('../.build/examples/', import.meta.url)
const [name = ''] = process.argv.slice(2)
const file = new URL(`${name}.js`, folder)

if (/^[\w-]+$/.test(name) && existsSync(file)) {
  await import(file.href)
} else {
  const names = readdirSync(folder).map((entry) => entry.replace(/\.js$/, ''))
  console.error(`npm run example NAME, where NAME is one of: ${names.join(', ')}`)
  process.exitCode = 2
}
