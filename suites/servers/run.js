/**
 * Tests an API with real authorization servers: each is started on loopback, configured through its
 * own API or files, and stopped. Installs servers from npm, but no Debian packages; prints the
 * command that installs a missing one. Names as arguments, such as `glewlwyd`, select servers.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import process from 'node:process'
import { runTap } from '../../scripts/run-tap.js'

const servers = {
  glewlwyd: {
    packages: 'glewlwyd sqlite3',
    requiredFiles: [
      '/usr/bin/glewlwyd',
      '/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3',
    ],
  },
  'lemonldap-ng': {
    packages: 'liblemonldap-ng-portal-perl libplack-perl libstring-random-perl libio-string-perl',
    requiredFiles: ['/usr/bin/plackup', '/usr/share/lemonldap-ng/portal/htdocs/index.psgi'],
  },
  'django-oauth-toolkit': {
    packages: 'python3-django-oauth-toolkit',
    requiredFiles: ['/usr/lib/python3/dist-packages/oauth2_provider/__init__.py'],
  },
  'better-auth': { npmFolder: 'suites/servers/better-auth', requiredFiles: [] },
  'cognito-local': { npmFolder: 'suites/servers/cognito-local', requiredFiles: [] },
  openauth: { npmFolder: 'suites/servers/openauth', requiredFiles: [] },
}

const selected = process.argv.slice(2)
const names = selected.length > 0 ? selected : Object.keys(servers)
const unknownName = names.find((name) => !Object.hasOwn(servers, name))
if (unknownName !== undefined) {
  console.error(
    `${unknownName} is not a server of this suite: use ${Object.keys(servers).join(', ')}`,
  )
  process.exit(2)
}
const missing = names.filter(
  (name) => !servers[name].requiredFiles.every((path) => existsSync(path)),
)
for (const name of missing) {
  console.error(`${name} is not installed. To install it on Debian without starting its service:`)
  console.error(`  RUNLEVEL=1 apt-get install --no-install-recommends ${servers[name].packages}`)
}
if (missing.length > 0) process.exit(2)
for (const name of names) installFromNpm(servers[name].npmFolder)

process.exitCode = runTap('suites/servers', '.servers.ts', { names, timeout: 300 })

/** Installs the versions of the lock file, unless they are installed already. */
function installFromNpm(folder) {
  if (folder === undefined || existsSync(`${folder}/node_modules`)) return
  const options = { cwd: folder, stdio: 'inherit', shell: process.platform === 'win32' }
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], options)
  if (status !== 0) process.exit(1)
}
