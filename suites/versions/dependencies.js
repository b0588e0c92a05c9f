/** Other versions of the dependencies than the lock file has. */
import { run } from './command.js'

/** Into `node_modules` of the folder; package.json and the lock file stay as they are. */
export async function installDependencies(folder, versions) {
  const wanted = Object.entries(versions).map(([name, version]) => `${name}@${version}`)
  // Test plugins may require a later version of fastify than the one that is tested.
  const args = ['install', '--no-save', '--legacy-peer-deps', ...wanted]
  await run('npm', args, { cwd: folder })
}
