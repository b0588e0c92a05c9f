/** Tests the commands of the installed program, through the link that npm creates. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const command = fileURLToPath(new URL('node_modules/.bin/fastify-resource-server', import.meta.url))
const server = spawn(command, ['serve', '--json'])
let serverOutput = ''
for await (const chunk of server.stdout) {
  serverOutput += chunk
  if (serverOutput.endsWith('}\n')) break
}
const { issuer, clientId, clientSecret, username, password } = JSON.parse(serverOutput)

const run = (args, options) => spawnSync(command, args, { encoding: 'utf8', ...options })
const grant = ['--issuer', issuer, '--client-id', clientId, '--username', username]
const token = run(['token', ...grant, '--scope', 'orders:read'], {
  env: { ...process.env, FRS_CLIENT_SECRET: clientSecret, FRS_PASSWORD: password },
})
assert.equal(token.status, 0, token.stderr)
console.log('command: token of the password grant')

const explainArgs = ['explain', '--issuer', issuer, '--audience', 'api://default']
const accepted = run(explainArgs, { input: token.stdout })
assert.equal(accepted.status, 0, accepted.stderr)
const rejected = run([...explainArgs, '--scope', 'orders:write', '--json'], { input: token.stdout })
assert.equal(rejected.status, 1)
assert.equal(JSON.parse(rejected.stdout).result.code, 'insufficient_scope')
console.log('command: explain accepts and rejects')

const created = run(['stream', 'create', '--issuer', issuer, '--poll', '--json'], {
  env: { ...process.env, FRS_ACCESS_TOKEN: token.stdout.trim() },
})
assert.equal(created.status, 0, created.stderr)
assert.equal(JSON.parse(created.stdout).aud, clientId)
console.log('command: stream creates a stream')

server.kill('SIGTERM')
const code = await new Promise((resolve) => server.once('exit', resolve))
assert.equal(code, 0)
