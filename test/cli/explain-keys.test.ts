/** `explain` with the keys that an API has in its options `jwks.keys` and `secret`. */
import { createPublicKey, createSecretKey } from 'node:crypto'
import { join } from 'node:path'
import t from 'tap'
import { forge } from '../fixtures/forgery.js'
import { AUDIENCE, claims, ISSUER, makeKey, sign } from '../fixtures/issuer.js'
import { runHere } from './fixtures/run.js'

const SECRET = 'a canary of at least thirty-two bytes'
const [key, other] = [await makeKey('ES256'), await makeKey('ES256', 'other')]
const dir = t.testdir({
  'key.jwk': JSON.stringify(key.publicJwk),
  'keys.json': JSON.stringify({ keys: [other.publicJwk, key.publicJwk] }),
  'key.pem': createPublicKey(key.privateKey).export({ type: 'spki', format: 'pem' }),
  'private.pem': key.privateKey.export({ type: 'pkcs8', format: 'pem' }),
  'other.jwk': JSON.stringify(other.publicJwk),
  'no-keys.json': '{"keys":[]}',
  'empty.txt': '\n',
  'canary.txt': 'canary',
  'secret.txt': `${SECRET}\n`,
})
const keyFlag = (file: string) => ['--key', join(dir, file)]
const HS256 = ['--algorithms', 'HS256', '--secret', join(dir, 'secret.txt')]

async function explain(input: string, args: readonly string[]) {
  const fixed = ['explain', '--issuer', ISSUER, '--audience', AUDIENCE, '--json']
  const { code, stdout, stderr } = await runHere([...fixed, ...args], { input })
  t.notMatch(stdout + stderr, SECRET)
  if (stdout === '') return { code, stderr, advice: '', result: {} }
  const { result, steps } = JSON.parse(stdout)
  const failed = steps.find(({ outcome }: { outcome: string }) => outcome === 'failed')
  return { code, stderr, result, advice: failed?.advice as string | undefined }
}

/** Returns a token that is signed with a secret. */
function withSecret(secret: string): string {
  const privateKey = createSecretKey(secret, 'utf8')
  return forge({ alg: 'HS256', privateKey }, { claims: JSON.stringify(claims()) })
}

t.test('verifies with the keys in files, without a request', async (t) => {
  const token = await sign(key)
  for (const file of ['key.jwk', 'keys.json', 'key.pem']) {
    t.match(await explain(token, keyFlag(file)), { code: 0, result: { accepted: true } }, file)
  }
  const both = [...keyFlag('other.jwk'), ...keyFlag('key.jwk')]
  t.match(await explain(token, both), { code: 0 }, 'two flags')
  const { code, result, advice } = await explain(token, keyFlag('other.jwk'))
  t.match({ code, result }, { code: 1, result: { step: 'key' } })
  t.match(advice, /^No key of --key has the "kid" of the token/)
})

t.test('verifies with the secret in a file', async (t) => {
  t.match(await explain(withSecret(SECRET), HS256), { code: 0 })
  const { code, result, advice } = await explain(withSecret(`${SECRET}!`), HS256)
  t.match({ code, result }, { code: 1, result: { step: 'signature' } })
  t.match(advice, /signed with another secret/)
})

t.test('verifies with a secret and keys during a migration', async (t) => {
  const flags = [...HS256, '--algorithms', 'ES256', '--dangerously-allow-secret-with-keys']
  for (const token of [withSecret(SECRET), await sign(key)]) {
    t.match(await explain(token, [...flags, ...keyFlag('key.jwk')]), { code: 0 })
  }
  const { code, stderr } = await explain(await sign(key), [...HS256, ...keyFlag('key.jwk')])
  t.equal(code, 2)
  t.match(stderr, /mutually exclusive.*set --dangerously-allow-secret-with-keys/)
})

t.test('an algorithm with a secret is explained without the secret', async (t) => {
  const { advice } = await explain(withSecret(SECRET), keyFlag('key.jwk'))
  t.match(advice, /add --secret with a file that contains the secret/)
})

t.test('mistakes in the flags are exit code 2 and name the flag', async (t) => {
  const secretFlag = (file: string) => ['--algorithms', 'HS256', '--secret', join(dir, file)]
  for (const [args, message] of [
    [keyFlag('absent.pem'), /--key must name a readable file that contains a JWK, a JWK Set/],
    [keyFlag('no-keys.json'), /--key must name a readable file that contains .* JWK Set with keys/],
    [keyFlag('canary.txt'), /--key must name a readable file/],
    [[...keyFlag('key.pem'), ...keyFlag('private.pem')], /--key \(value 2\) is a private key/],
    [secretFlag('absent.txt'), /--secret must name a readable file that contains a secret/],
    [secretFlag('empty.txt'), /--secret must name a readable file/],
    [secretFlag('canary.txt'), /--secret must be a string or Uint8Array of at least 32 bytes/],
    [
      ['--secret', join(dir, 'secret.txt')],
      /--algorithms must be one of these, with a flag for each: HS256, HS384, HS512 with a --secret/,
    ],
  ] as const) {
    const { code, stderr } = await explain('a.b.c', args)
    t.equal(code, 2)
    t.match(stderr, message)
    t.notMatch(stderr, /canary(?!\.txt)/)
  }
})
