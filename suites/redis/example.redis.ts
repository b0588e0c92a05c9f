/** `examples/cluster.ts`, from the built package, with a redis-server of its own. */
import { execFile } from 'node:child_process'
import t from 'tap'

const file = new URL('../../.build/examples/cluster.js', import.meta.url).pathname

t.test('cluster: what one process revokes or has seen used, the other refuses', async (t) => {
  const { error, stdout, stderr } = await new Promise<{
    error: Error | null
    stdout: string
    stderr: string
  }>((resolve) => {
    execFile(process.execPath, [file], { timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ error, stdout, stderr }),
    )
  })
  t.equal(error, null, stderr)
  t.match(stdout, /one, a proof +200 .*\nother, the same +401 .*"The DPoP proof was used before"/)
  t.match(stdout, /one, \/me +200 \{"user":"ada"\}\nother, \/me +200/)
  t.match(stdout, /one, \/logout +200 \{"loggedOut":"ada"\}/)
  t.match(stdout, /one, \/me +401 .*\nother, \/me +401 .*"The access token was revoked"/)
  t.match(stdout, /restarted, \/me +401 .*"The access token was revoked"/)
})
