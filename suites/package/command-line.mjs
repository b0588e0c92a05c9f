/** Tests the installed command as npm links it: `serve`, `token` and `explain`. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const command = fileURLToPath(new URL('node_modules/.bin/fastify-resource-server', import.meta.url))
const server = spawn(command, ['serve', '--json'])
let described = ''
for await (const chunk of server.stdout) {
  described += chunk
  if (described.endsWith('}\n')) break
}
const { issuer, clientId, clientSecret, username, password } = JSON.parse(described)

const run = (args, options) => spawnSync(command, args, { encoding: 'utf8', ...options })
const grant = ['--issuer', issuer, '--client-id', clientId, '--username', username]
const token = run(['token', ...grant, '--scope', 'orders:read'], {
  env: { ...process.env, FRS_CLIENT_SECRET: clientSecret, FRS_PASSWORD: password },
})
assert.equal(token.status, 0, token.stderr)
console.log('command: token of the password grant')

const question = ['explain', '--issuer', issuer, '--audience', 'api://default']
const good = run(question, { input: token.stdout })
assert.equal(good.status, 0, good.stderr)
const bad = run([...question, '--scope', 'orders:write', '--json'], { input: token.stdout })
assert.equal(bad.status, 1)
assert.equal(JSON.parse(bad.stdout).result.code, 'insufficient_scope')
console.log('command: explain accepts and rejects')

server.kill('SIGTERM')
const code = await new Promise((resolve) => server.once('exit', resolve))
assert.equal(code, 0)
