/** Runs a program of docs/migration.md in a separate process, with the issuer of the test. */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const serve = fileURLToPath(
  new URL('../../test/fixtures/programs/serve-together.js', import.meta.url),
)
const ISSUER = /'https:\/\/(?:login\.example|example\.okta)\.com\/oauth2\/default/g

/**
 * Starts the program on a free port, and returns its URL and `stop`. Disables the https check of
 * @okta/jwt-verifier, because the issuer of the test uses http.
 *
 * @throws {Error} with the output, if the program ends before it listens.
 */
export async function startProgram(code, file, issuer) {
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
  let output = ''
  const port = await new Promise((resolve, reject) => {
    const readOutput = (chunk) => {
      output += chunk
      const [, found] = /^port (\d+)$/m.exec(output) ?? []
      if (found !== undefined) resolve(found)
    }
    child.stdout.on('data', readOutput)
    child.stderr.on('data', readOutput)
    ended.then(() => reject(new Error(`${file} ended: ${output}`)))
  })
  const stop = () => {
    child.kill()
    return ended
  }
  return { url: `http://127.0.0.1:${port}`, stop }
}
