/**
 * Tests an API with authorization servers from Debian packages: each is started on loopback with a
 * temporary folder, configured through its own API or files, and stopped. Installs nothing; prints
 * what to install. Names as arguments, such as `glewlwyd`, select servers.
 */
import { existsSync } from 'node:fs'
import process from 'node:process'
import { runTap } from '../../scripts/run-tap.js'

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

process.exitCode = runTap('suites/servers', '.servers.ts', { names, timeout: 300 })
