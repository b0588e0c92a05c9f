/** Installs versions of the dependencies that differ from the lock file. */
import { run } from './command.js'

/** Installs into `node_modules` of the folder, without changing package.json and the lock file. */
export async function installDependencies(folder, versions) {
  const wanted = Object.entries(versions).map(([name, version]) => `${name}@${version}`)
  // Test plugins may require a later version of fastify than the one that is tested.
  const args = ['install', '--no-save', '--legacy-peer-deps', ...wanted]
  await run('npm', args, { cwd: folder })
}
