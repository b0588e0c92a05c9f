/**
 * docs/providers.md quotes the errors of the code. provider-mistakes.test.ts checks the tables of
 * mistakes.
 */
import { readFileSync } from 'node:fs'
import t from 'tap'
import type { AccessTokenClaims, InvalidTokenError } from '../../src/index.js'
import { PROVIDERS as PROVIDERS_BY_NAME } from '../../src/issuer/providers/providers.js'
import { resolveOptions } from '../../src/server/options.js'
import { forge, serverFor } from '../fixtures/forgery.js'
import { makeKey } from '../fixtures/issuer.js'
import { PROVIDERS } from '../fixtures/provider-tokens.js'
import { FIXTURES } from '../fixtures/providers/providers.js'
import { issuersIn } from '../fixtures/resolved-issuers.js'

const doc = readFileSync(new URL('../../docs/providers.md', import.meta.url), 'utf8')
const key = await makeKey('ES256')
/** A client ID, of which the documentation shows an array. */
const GUID = 'c1d2e3f4-0516-4273-8495-a6b7c8d9e0f1'

function mistake(issuer: string): string {
  try {
    resolveOptions({ issuer, audience: 'api://orders' })
    return 'none'
  } catch (error) {
    return (error as TypeError).message
  }
}

t.test('the quotes start-up errors exactly', async (t) => {
  const quoted = [...doc.matchAll(/^"issuer" option (https:\S+) .*$/gm)]
  t.equal(quoted.length, 22)
  for (const [line, issuer] of quoted) t.equal(mistake(issuer as string), line)
  const { issuer } = PROVIDERS['Entra v2.0'] as { issuer: string }
  for (const one of ['acme.com', 'https://LOGIN.example.com/t']) {
    t.ok(doc.includes(`\n${mistake(one)}\n`), one)
  }
  t.ok(doc.includes(`\n${mistake(issuer)}\n`), 'of the audience')
  t.ok(doc.includes(`\n${mistake('https://securetoken.google.com/acme-prod')}\n`), 'Firebase')
  t.ok(doc.includes(`\`${mistake('http://keycloak:8080/realms/acme')}\``), 'of plain http')
})

t.test('the registrations are valid, and set the profile unless it is detected', async (t) => {
  const registrations = doc.matchAll(
    /issuer:\s+'([^']+)',.*\n(?: +jwksUri: '([^']+)',\n)? +audience: (?:'([^']+)'|\[).*\n(?: +profile: '([\w-]+)')?/g,
  )
  const names = new Set<string | undefined>()
  for (const [, issuer = '', jwksUri, audience = GUID, profile] of registrations) {
    const options = { issuer, audience, ...(jwksUri && { jwksUri }), ...(profile && { profile }) }
    const [resolved] = issuersIn(options as never)
    const name = resolved?.profile.name
    // A domain of no provider has the profile `standard`, or a custom one.
    const isDetected = !new URL(issuer, 'https://example.com').hostname.endsWith('example.com')
    if (profile !== undefined) t.equal(name, profile, issuer)
    else t.equal(name !== 'standard', isDetected, `${issuer}: detected`)
    names.add(name)
  }
  t.ok(names.size > 10)
})

t.test('quotes the rejections of the examples exactly', async (t) => {
  for (const [name, { issuer, audience, profile, typ, invalid }] of Object.entries(PROVIDERS)) {
    const server = await serverFor([key], { issuer, audience: [audience].flat()[0] ?? '', profile })
    for (const [title, { claims }] of Object.entries(invalid)) {
      const token = forge(key, { header: { typ }, claims: JSON.stringify(claims) })
      const error: InvalidTokenError = await server.verify(token).then(
        () => t.fail(`${name}, ${title}`),
        (reason) => reason,
      )
      t.ok(doc.includes(`\`${error.message}\``), `${name}, ${title}: ${error.message}`)
      const { check, reason } = error
      if (check !== 'audience' || !reason.expected?.includes('(')) continue
      t.ok(doc.includes(`expected \`${reason.expected}\``), `${name}: ${reason.expected}`)
    }
  }
  for (const expected of ['"cid"', '"azp" or "client_id"', '"azp" or "appid"', '"typ": at+jwt']) {
    t.ok(doc.includes(`expected \`${expected}\``), expected)
  }
})

t.test('quotes the advice about audience and scope of each profile exactly', async (t) => {
  for (const [name, { accessToken, profile, registration }] of Object.entries(FIXTURES)) {
    const audience = new Set([(registration as { audience?: unknown }).audience].flat() as string[])
    const { audienceHint, scopeHint } = PROVIDERS_BY_NAME[profile].profile(audience)
    const hints = [audienceHint, scopeHint?.(accessToken.claims as AccessTokenClaims)]
    for (const hint of hints) {
      if (hint !== undefined) t.ok(doc.includes(` (${hint})\``), `${name}: ${hint}`)
    }
  }
})

t.test('shows the registration of each fixture, and a row for each profile', async (t) => {
  const blocks = [...doc.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = '']) =>
    code.replace(/:\n +/g, ': '),
  )
  for (const [name, { registration }] of Object.entries(FIXTURES)) {
    const values = Object.entries(registration).map(([option, value]) =>
      typeof value === 'string' ? `${option}: '${value}'` : option,
    )
    const isShown = blocks.some((code) => values.every((value) => code.includes(value)))
    t.ok(isShown, `${name}: ${values.join(', ')}`)
    t.match(doc, new RegExp(`^\\| \\[[^\\]]+\\]\\(#\\S+\\) \\| \`${name}\` \\| `, 'm'), name)
  }
})
