/** Runs a program of docs/migration in a separate process, with the issuer of the test. */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const serve = fileURLToPath(
  new URL('../../test/fixtures/programs/serve-together.js', import.meta.url),
)
const ISSUER =
  /'https:\/\/(?:(?:login\.example|example\.okta)\.com\/oauth2\/default|example\.auth0\.com\/)/g

/**
 * Starts the program on a free port, and returns its URL and `stop`.
 *
 * @throws {Error} with the output, if the program ends before it listens.
 */
export async function startProgram(code, file, issuer) {
  await writeFile(file, adapt(code, issuer))
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

/** Replaces the issuer and the port, and what keeps a library from an issuer that uses http. */
function adapt(code, issuer) {
  return (
    code
      .replace(/(OktaJwtVerifier\(\{ issuer: '[^']+')/, '$1, testing: { disableHttpsCheck: true }')
      // The default fetcher of aws-jwt-verify supports only https.
      .replace(
        /^import \{ JwtVerifier \}.*$/m,
        "$&\nimport { SimpleJwksCache } from 'aws-jwt-verify/jwk'",
      )
      .replace(
        /(JwtVerifier\.create\(\{[^}]+\})/,
        '$1, { jwksCache: new SimpleJwksCache({ fetcher }) }',
      )
      .replace(
        /^const verifier = JwtVerifier/m,
        `const fetcher = { fetch: async (url) => (await fetch(url)).arrayBuffer() }\n$&`,
      )
      // fastify-auth0-verify appends a path to the domain, which thus becomes the query.
      .replace("domain: 'example.auth0.com'", `domain: '${issuer}/v1/keys?', issuer: '${issuer}'`)
      .replace(ISSUER, `'${issuer}`)
      .replace('port: 3000', 'port: 0')
  )
}
