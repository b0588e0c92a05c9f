/** A program that listens, in a process of its own, with an issuer in the place of that it names. */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const serve = fileURLToPath(
  new URL('../../test/fixtures/programs/serve-together.js', import.meta.url),
)
const ISSUER = /'https:\/\/(?:login\.example|example\.okta)\.com\/oauth2\/default/g

/** On a free port; @okta/jwt-verifier is told that http will do. */
export async function start(code, file, issuer) {
  await writeFile(
    file,
    code
      .replace(/(OktaJwtVerifier\(\{ issuer: '[^']+')/, '$1, testing: { disableHttpsCheck: true }')
      .replace(ISSUER, `'${issuer}`)
      .replace('port: 3000', 'port: 0'),
  )
  const { PATH = '' } = process.env
  const child = execFile(process.execPath, [serve, file], { env: { PATH } })
  const ended = new Promise((resolve) => child.once('close', resolve))
  let said = ''
  const port = await new Promise((resolve, reject) => {
    const hear = (chunk) => {
      said += chunk
      const [, found] = /^port (\d+)$/m.exec(said) ?? []
      if (found !== undefined) resolve(found)
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    ended.then(() => reject(new Error(`${file} ended: ${said}`)))
  })
  const stop = () => {
    child.kill()
    return ended
  }
  return { url: `http://127.0.0.1:${port}`, stop }
}
