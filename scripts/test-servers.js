/**
 * Authorization servers of Debian's packages in front of an API behind the plugin: each is started
 * on loopback with a temporary folder, set up over its own API or files, and stopped. Installs
 * nothing; says what to install. `npm run test:servers`, or with a name: `-- glewlwyd`.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import process from 'node:process'

const servers = {
  glewlwyd: {
    packages: 'glewlwyd sqlite3',
    needs: ['/usr/bin/glewlwyd', '/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3'],
  },
  'lemonldap-ng': {
    packages: 'liblemonldap-ng-portal-perl libplack-perl libstring-random-perl libio-string-perl',
    needs: ['/usr/bin/plackup', '/usr/share/lemonldap-ng/portal/htdocs/index.psgi'],
  },
}

const asked = process.argv.slice(2)
const names = asked.length > 0 ? asked : Object.keys(servers)
const unknown = names.find((name) => !Object.hasOwn(servers, name))
if (unknown !== undefined) {
  console.error(`${unknown} is none of ${Object.keys(servers).join(', ')}`)
  process.exit(2)
}
const missing = names.filter((name) => !servers[name].needs.every((path) => existsSync(path)))
for (const name of missing) {
  console.error(`${name} is not installed. On Debian, without its service being started:`)
  console.error(`  RUNLEVEL=1 apt-get install --no-install-recommends ${servers[name].packages}`)
}
if (missing.length > 0) process.exit(2)

const files = names.map((name) => `test/servers/${name}.servers.ts`)
const tap = ['tap', '--disable-coverage', '--timeout=300', '--reporter=tap', '--jobs=1']
const { status } = spawnSync('npx', [...tap, ...files], { stdio: 'inherit' })
process.exitCode = status ?? 1
