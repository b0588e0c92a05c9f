/** Runs `examples/cluster.ts` with the built package; the example starts its own redis-server. */
import { execFile } from 'node:child_process'
import t from 'tap'

const file = new URL('../../.build/examples/cluster.js', import.meta.url).pathname

t.test('cluster: a revoked token and a used proof are rejected by the other process', async (t) => {
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
  t.match(
    stdout,
    /first, a proof +200 .*\nsecond, the same +401 .*"The DPoP proof was used before"/,
  )
  t.match(stdout, /first, \/me +200 \{"user":"ada"\}\nsecond, \/me +200/)
  t.match(stdout, /first, \/logout +200 \{"loggedOut":"ada"\}/)
  t.match(stdout, /first, \/me +401 .*\nsecond, \/me +401 .*"The access token was revoked"/)
  t.match(stdout, /restarted, \/me +401 .*"The access token was revoked"/)
})
