/** Reports the versions of Node and of the dependencies to `npm run suite -- versions`. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import t from 'tap'
import resourceServer from '../../src/index.js'

const PACKAGES = ['fastify', 'jose', 'lru-cache', 'oauth4webapi', 'fastify-plugin']

t.test('loads the plugin and reports the versions', async (t) => {
  t.type(resourceServer, 'function')
  const { resolve } = createRequire(import.meta.url)
  const versions = PACKAGES.map((name) => {
    const [folder] = resolve.paths(name)?.filter((path) => isInstalled(path, name)) ?? []
    return [name, manifest(`${folder}`, name).version] as const
  })
  t.comment(`ran on ${JSON.stringify({ node: process.version, ...Object.fromEntries(versions) })}`)
})

/** Read as a file, because not every package exports its package.json. */
function manifest(folder: string, name: string): { version: string } {
  return JSON.parse(readFileSync(`${folder}/${name}/package.json`, 'utf8'))
}

function isInstalled(folder: string, name: string): boolean {
  try {
    return manifest(folder, name).version !== undefined
  } catch {
    return false
  }
}
