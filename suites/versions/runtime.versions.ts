/** Tells `npm run suite -- versions` what the tests beside it ran on. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import t from 'tap'
import resourceServer from '../../src/index.js'

const PACKAGES = ['fastify', 'jose', 'lru-cache', 'oauth4webapi', 'fastify-plugin']

t.test('the plugin loads, and these are the versions', async (t) => {
  t.type(resourceServer, 'function')
  const { resolve } = createRequire(import.meta.url)
  const versions = PACKAGES.map((name) => {
    const [folder] = resolve.paths(name)?.filter((path) => isThere(path, name)) ?? []
    return [name, manifest(`${folder}`, name).version] as const
  })
  t.comment(`ran on ${JSON.stringify({ node: process.version, ...Object.fromEntries(versions) })}`)
})

/** Read as a file, because not every package exports its package.json. */
function manifest(folder: string, name: string): { version: string } {
  return JSON.parse(readFileSync(`${folder}/${name}/package.json`, 'utf8'))
}

function isThere(folder: string, name: string): boolean {
  try {
    return manifest(folder, name).version !== undefined
  } catch {
    return false
  }
}
