/** Other versions of the dependencies than the lock file has. */
import { run } from './command.js'

/** Into `node_modules` of the folder; package.json and the lock file stay as they are. */
export async function installDependencies(folder, versions) {
  const wanted = Object.entries(versions).map(([name, version]) => `${name}@${version}`)
  // What stands beside fastify in the tests may want a later one; what runs is what counts here.
  const args = ['install', '--no-save', '--legacy-peer-deps', ...wanted]
  await run('npm', args, { cwd: folder })
}
