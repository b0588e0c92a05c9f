/** Runs a built example, such as `npm run example okta`. The example in a folder is its main.js. */
import { existsSync, readdirSync } from 'node:fs'

const folder = new URL('../.build/examples/', import.meta.url)
const [name = ''] = process.argv.slice(2)
const file = [`${name}.js`, `${name}/main.js`]
  .map((path) => new URL(path, folder))
  .find((url) => /^[\w-]+$/.test(name) && existsSync(url))

if (file !== undefined) {
  await import(file.href)
} else {
  const names = readdirSync(folder).map((entry) => entry.replace(/\.js$/, ''))
  console.error(`Usage: npm run example NAME, where NAME is one of: ${names.join(', ')}`)
  process.exitCode = 2
}
