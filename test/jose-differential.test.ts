/**
 * The same tokens to jose and to us, over a generated corpus: what jose refuses is never accepted
 * here, and what is refused here although jose accepts it is strictness that we meant.
 */
import { createSecretKey, generateKeyPairSync, KeyObject } from 'node:crypto'
import { createLocalJWKSet, errors, type JWK, jwtVerify } from 'jose'
import t from 'tap'
import type { Algorithm } from '../src/algorithms.js'
import { importKeySet } from '../src/keys/key-set.js'
import {
  forge,
  goodClaims,
  goodHeader,
  NOW,
  outcome,
  serverFor,
  signed,
} from './fixtures/forgery.js'
import { AUDIENCE, base64url, ISSUER, makeKey, type TestKey } from './fixtures/issuer.js'

const SEED = 0x5eed
t.comment(`seed: ${SEED}`)

/** Mulberry32: the same numbers on every run. */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/**
 * Where we are stricter than jose on purpose, by kind of mutation. Kinds under `spelling` depend on
 * how forgiving the decoder of the running Node is, so they may be refused by jose as well.
 */
const STRICTER = new Set([
  'exp absent',
  'infinite time',
  'iat in the future',
  'sub, client_id or jti no string',
  'a member twice',
  '__proto__ as a member',
  'deep nesting',
  'typ of another kind of token',
  'typ no string',
  'crit or b64',
  'aud with something else than strings',
  'another kind of token by its claims',
  'bound by cnf',
  'byte order mark',
])
/** A secret has no name, so that jose doesn't look at `kid`; a malformed one is malformed to us. */
const STRICTER_WITH_SECRET = new Set(['kid no string, with a secret'])
const STRICTER_SPELLING = new Set([
  'spelling: padding',
  'spelling: stray bits',
  'spelling: alphabet',
])

interface Mutant {
  /** `harmless`: accepted by both. `same verdict`: whatever it is. Else one of those above. */
  readonly kind: string
  readonly title: string
  /** Made when it is wanted, because a signature costs. */
  readonly raw: () => string
}

/** JSON values of every type, and what parsers stumble over, as text. */
const ODD = [
  'null',
  'true',
  'false',
  '0',
  '-1',
  '1.5',
  '1e400',
  '-1e400',
  '""',
  '"x"',
  '" "',
  '"\\u0000"',
  '"\\ud800"',
  '"2000000000"',
  '"__proto__"',
  '[]',
  '[null]',
  '["x"]',
  '[[]]',
  '{}',
  '{"toString":"x"}',
]

type Members = readonly (readonly [name: string, value: string])[]

function members(object: Record<string, unknown>): Members {
  return Object.entries(object)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, JSON.stringify(value)])
}

/** JSON text of members as they are, repetitions and all. */
function text(list: Members): string {
  return `{${list.map(([name, value]) => `"${name}":${value}`).join(',')}}`
}

function withMember(list: Members, name: string, value: string): Members {
  const without = list.filter(([other]) => other !== name)
  return [...without, [name, value]]
}

function* headerMutants(key: TestKey): Generator<Mutant> {
  const good = members(goodHeader(key))
  const make = (kind: string, title: string, list: Members): Mutant => ({
    kind,
    title: `header: ${title}`,
    raw: () => forge(key, { header: text(list) }),
  })
  for (const name of ['alg', 'kid', 'typ', 'crit', 'b64', 'jwk', 'jku', 'x5c', 'zip', 'cty', 'x']) {
    const removed = good.filter(([other]) => other !== name)
    if (removed.length < good.length) yield make('same verdict', `no ${name}`, removed)
    for (const value of ODD) {
      const string = value.startsWith('"')
      let kind = 'same verdict'
      if (name === 'typ') kind = string ? 'typ of another kind of token' : 'typ no string'
      if (name === 'crit' || name === 'b64') kind = 'crit or b64'
      if (name === 'kid' && key.alg === 'HS256' && !string) kind = 'kid no string, with a secret'
      yield make(kind, `${name}: ${value}`, withMember(good, name, value))
    }
  }
  for (const alg of [
    'none',
    'None',
    'HS256',
    'RS256',
    'RS512',
    'PS256',
    'ES256',
    'ES384',
    'EdDSA',
  ]) {
    yield make('same verdict', `alg: ${alg}`, withMember(good, 'alg', `"${alg}"`))
  }
  for (const typ of ['JWT', 'jwt', 'application/jwt', 'AT+JWT', 'application/at+jwt']) {
    yield make('harmless', `typ: ${typ}`, withMember(good, 'typ', `"${typ}"`))
  }
  yield make('harmless', 'in another order', good.toReversed())
  yield make('harmless', 'keys of its own', withMember(good, 'jwk', JSON.stringify(key.publicJwk)))
  yield make('a member twice', 'typ twice', [...good, ['typ', '"at+jwt"']])
  yield make('a member twice', 'alg twice', [...good, ['\\u0061lg', `"${key.alg}"`]])
  yield make('__proto__ as a member', '__proto__', [...good, ['__proto__', '{}']])
  yield make('crit or b64', 'crit exp', [...good, ['crit', '["exp"]'], ['exp', `${NOW + 300}`]])
  yield make('crit or b64', 'b64 true', [...good, ['crit', '["b64"]'], ['b64', 'true']])
  yield make('crit or b64', 'b64 false', [...good, ['crit', '["b64"]'], ['b64', 'false']])
}

function* claimMutants(key: TestKey): Generator<Mutant> {
  const good = members(goodClaims())
  const make = (kind: string, title: string, claims: string | Uint8Array): Mutant => ({
    kind,
    title: `claims: ${title}`,
    raw: () => forge(key, { claims }),
  })
  for (const name of ['iss', 'aud', 'exp', 'nbf', 'iat', 'sub', 'client_id', 'jti', 'scope', 'x']) {
    const removed = good.filter(([other]) => other !== name)
    const absent = name === 'exp' ? 'exp absent' : 'same verdict'
    if (removed.length < good.length) yield make(absent, `no ${name}`, text(removed))
    for (const value of ODD) {
      const string = ['sub', 'client_id', 'jti'].includes(name) && !value.startsWith('"')
      const infinite = ['exp', 'nbf', 'iat'].includes(name) && value.endsWith('1e400')
      const kind = string
        ? 'sub, client_id or jti no string'
        : infinite
          ? 'infinite time'
          : 'same verdict'
      yield make(kind, `${name}: ${value}`, text(withMember(good, name, value)))
    }
  }
  for (const seconds of [-86_400, -31, -30, -29, -0.5, 0, 0.5, 29, 30, 30.5, 31, 86_400, 1e300]) {
    for (const name of ['exp', 'nbf', 'iat']) {
      const kind = name === 'iat' && seconds > 30 ? 'iat in the future' : 'same verdict'
      const value = `${NOW + seconds}`
      yield make(kind, `${name}: now + ${seconds}`, text(withMember(good, name, value)))
    }
  }
  for (const iss of [`${ISSUER}/`, ISSUER.toUpperCase(), ` ${ISSUER}`, 'https://evil.example']) {
    yield make('same verdict', `iss: ${iss}`, text(withMember(good, 'iss', `"${iss}"`)))
  }
  for (const aud of [
    [],
    ['x'],
    [AUDIENCE.toUpperCase()],
    [[AUDIENCE]],
    { 0: AUDIENCE },
    `${AUDIENCE} x`,
    `${AUDIENCE}/`,
  ]) {
    const value = JSON.stringify(aud)
    yield make('same verdict', `aud: ${value}`, text(withMember(good, 'aud', value)))
  }
  for (const aud of [
    [AUDIENCE, null],
    [1, AUDIENCE],
    [AUDIENCE, []],
  ]) {
    const value = JSON.stringify(aud)
    const kind = 'aud with something else than strings'
    yield make(kind, `aud: ${value}`, text(withMember(good, 'aud', value)))
  }
  for (const [name, value] of [
    ['at_hash', '"x"'],
    ['c_hash', '"x"'],
    ['s_hash', 'null'],
    ['token_use', '"id"'],
    ['token_use', 'null'],
    ['typ', '"Refresh"'],
  ] as const) {
    const kind = 'another kind of token by its claims'
    yield make(kind, `${name}: ${value}`, text([...good, [name, value]]))
  }
  for (const value of ['{"jkt":"x"}', '{}', 'null', '"x"']) {
    yield make('bound by cnf', `cnf: ${value}`, text([...good, ['cnf', value]]))
  }
  for (const [name, value] of good) {
    const escaped = `\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}`
    yield make('a member twice', `${name} twice`, text([...good, [name, value]]))
    yield make('a member twice', `${name} twice, escaped`, text([[escaped, value], ...good]))
    const spelled = good.map((one): [string, string] => [
      one[0] === name ? escaped : one[0],
      one[1],
    ])
    yield make('harmless', `${name} escaped`, text(spelled))
    const upper = good.map((one): [string, string] => [
      one[0] === name ? name.toUpperCase() : one[0],
      one[1],
    ])
    const absent = name === 'exp' ? 'exp absent' : 'same verdict'
    yield make(absent, `${name} in upper case`, text(upper))
  }
  yield make('harmless', 'in another order', text(good.toReversed()))
  yield make('harmless', 'white space', ` ${text(good).replaceAll(',', ' ,\n\t')}\r\n`)
  yield make(
    'harmless',
    'our audience among others',
    text(withMember(good, 'aud', `["x","${AUDIENCE}"]`)),
  )
  yield make(
    'harmless',
    'other claims',
    text([...good, ['constructor', '1'], ['\u{1f600}', '"\u00e9"']]),
  )
  yield make('harmless', 'nested', text([...good, ['a', `${'['.repeat(30)}${']'.repeat(30)}`]]))
  yield make('deep nesting', 'deep', text([...good, ['a', `${'['.repeat(99)}${']'.repeat(99)}`]]))
  yield make('__proto__ as a member', '__proto__', text([...good, ['__proto__', '{}']]))
  yield make('byte order mark', 'BOM', `\ufeff${text(good)}`)
  for (const whole of ['[]', 'null', '""', '0', '', 'x', `[${text(good)}]`, `${text(good)}x`]) {
    yield make('same verdict', `all of it: ${whole.slice(0, 9)}`, whole)
  }
  const bytes = Buffer.from(text(good))
  for (const byte of [0x80, 0xc0, 0xff, 0x00]) {
    const spoilt = Buffer.from(bytes)
    spoilt[bytes.indexOf('user-1')] = byte
    yield make('same verdict', `a byte ${byte.toString(16)}`, spoilt)
  }
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

function* encodingMutants(key: TestKey, below: (limit: number) => number): Generator<Mutant> {
  const raw = forge(key)
  const parts = raw.split('.') as [string, string, string]
  const made = (title: string, mutated: string | (() => string), kind = 'same verdict') => ({
    kind,
    title,
    raw: typeof mutated === 'string' ? () => mutated : mutated,
  })
  for (const [index, part] of parts.entries()) {
    const where = ['header', 'claims', 'signature'][index]
    const put = (other: string) => parts.with(index, other).join('.')
    for (let i = 0; i < 20; i++) {
      const at = below(part.length - 1)
      const bit = ALPHABET.indexOf(part.charAt(at)) ^ (1 << below(6))
      const flipped = `${part.slice(0, at)}${ALPHABET[bit]}${part.slice(at + 1)}`
      yield made(`${where}: a bit at ${at}`, put(flipped))
    }
    for (const length of [0, 1, 2, 3, 4, part.length >> 1, part.length - 2, part.length - 1]) {
      yield made(`${where}: cut to ${length}`, put(part.slice(0, length)))
      yield made(`${where}: cut by ${length + 1} in front`, put(part.slice(length + 1)))
    }
    for (const more of ['A', 'AA', 'AAAA', 'AAAAA', '-', part]) {
      yield made(`${where}: ${more.slice(0, 5)} after`, put(part + more))
      yield made(`${where}: ${more.slice(0, 5)} before`, put(more + part))
    }
    for (const [title, other] of Object.entries({
      '"="': `${part}=`,
      '"=="': `${part}==`,
      '"===="': `${part}====`,
      'padded to four': part.padEnd(Math.ceil(part.length / 4) * 4 || 4, '='),
    })) {
      yield made(`${where}: ${title}`, put(other), 'spelling: padding')
    }
    for (const last of ALPHABET) {
      const kind = index === 2 ? 'spelling: stray bits' : 'same verdict'
      if (!part.endsWith(last))
        yield made(`${where}: ends in ${last}`, put(part.slice(0, -1) + last), kind)
    }
    for (const odd of [
      ' ',
      '\n',
      '\r\n',
      '\t',
      '\0',
      '+',
      '/',
      '%',
      '~',
      '\u00e9',
      '\u200b',
      '"',
    ]) {
      const at = below(part.length)
      const within = `${part.slice(0, at)}${odd}${part.slice(at)}`
      yield made(`${where}: ${JSON.stringify(odd)} within`, put(within), 'spelling: alphabet')
      yield made(`${where}: ${JSON.stringify(odd)} before`, put(odd + part), 'spelling: alphabet')
      yield made(`${where}: ${JSON.stringify(odd)} after`, put(part + odd), 'spelling: alphabet')
    }
    const base64 = part.replaceAll('-', '+').replaceAll('_', '/')
    if (base64 !== part) yield made(`${where}: base64`, put(base64), 'spelling: alphabet')
    yield made(`${where}: upper case`, put(part.toUpperCase()))
    yield made(`${where}: lower case`, put(part.toLowerCase()))
    yield made(`${where}: reversed`, put([...part].reverse().join('')))
    yield made(`${where}: percent-encoded`, put(part.replaceAll('e', '%65')))
    yield made(`${where}: unicode escape`, put(`\\u0065${part.slice(1)}`))
    for (let dot = 0; dot < 4; dot++) {
      const at = below(part.length)
      yield made(`${where}: a dot at ${at}`, put(`${part.slice(0, at)}.${part.slice(at)}`))
    }
  }
  const [header, payload, signature] = parts
  for (const swapped of [
    [header, signature, payload],
    [payload, header, signature],
    [signature, payload, header],
    [header, header, signature],
    [payload, payload, signature],
    [header, payload],
    [payload, signature],
    [header, payload, signature, ''],
    ['', header, payload, signature],
    [header, payload, '', signature],
    [header, payload, signature, signature],
    [header, '', '', payload, signature],
    [`${header}${payload}`, signature],
    [header],
  ]) {
    const title = swapped.map((part) => parts.indexOf(part)).join()
    yield made(`segments: ${title}`, swapped.join('.'))
  }
  // With a good signature over the odd spelling, so that the spelling alone is judged.
  for (const blanks of [0, 1, 2]) {
    const [first, second] = [goodHeader(key), goodClaims()].map((object) =>
      base64url(`{${' '.repeat(blanks)}${JSON.stringify(object).slice(1)}`),
    ) as [string, string]
    yield made('signed: as it should be', () => signed(key, `${first}.${second}`), 'harmless')
    for (const [where, spell] of [
      ['header', (odd: string) => `${odd}.${second}`],
      ['claims', (odd: string) => `${first}.${odd}`],
    ] as const) {
      const part = where === 'header' ? first : second
      const sign = (title: string, odd: string, kind: string) =>
        made(`signed ${where}: ${title}`, () => signed(key, spell(odd)), kind)
      yield sign('padding', part.padEnd(Math.ceil(part.length / 4) * 4, '='), paddingKind(part))
      yield sign('"="', `${part}=`, 'spelling: padding')
      yield sign('a blank', `${part} `, 'spelling: alphabet')
      yield sign('a line break', `${part.slice(0, 8)}\n${part.slice(8)}`, 'spelling: alphabet')
      yield sign('"+"', part.replace(/^(.{8})./, '$1+'), 'spelling: alphabet')
      yield sign('one more', `${part}A`, 'spelling: stray bits')
      for (const last of ALPHABET) {
        if (last === part.at(-1) || part.length % 4 === 0) continue
        yield sign(`ends in ${last}`, part.slice(0, -1) + last, 'spelling: stray bits')
      }
    }
  }
}

function paddingKind(part: string): string {
  return part.length % 4 === 0 ? 'harmless' : 'spelling: padding'
}

/** Any character of header or claims by any other, under a good signature. */
function* randomMutants(key: TestKey, below: (limit: number) => number): Generator<Mutant> {
  const printable = '{}[]":,\\/.- 0123456789eEtfnulrsaxyz_@\t\u00e9'
  for (let i = 0; i < 150; i++) {
    const [header, claims] = [goodHeader(key), goodClaims()].map((object) => JSON.stringify(object))
    const target = (i % 3 === 0 ? header : claims) as string
    const at = below(target.length)
    const by = printable.charAt(below(printable.length))
    const keep = below(2)
    const mutated = target.slice(0, at) + by + target.slice(at + keep)
    const forgery = i % 3 === 0 ? { header: mutated } : { claims: mutated }
    yield { kind: 'random', title: `random: ${mutated}`, raw: () => forge(key, forgery) }
  }
}

/** Slow algorithms: of each kind only one in so many. */
const THINNED: Readonly<Record<string, number>> = { PS256: 3, ES256: 2, ES384: 4, ES512: 8 }
function sample(mutants: readonly Mutant[], oneIn: number): readonly Mutant[] {
  const seen = new Map<string, number>()
  return mutants.filter(({ kind }) => {
    const count = seen.get(kind) ?? 0
    seen.set(kind, count + 1)
    return count % oneIn === 0
  })
}

const SECRET = Buffer.alloc(32, 7)
const keys: readonly TestKey[] = [
  ...(await Promise.all(
    ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA'].map((alg) => makeKey(alg)),
  )),
  { alg: 'HS256', publicJwk: { kid: 'hs256' } as JWK, privateKey: createSecretKey(SECRET) },
]
const asymmetric = keys.filter(({ alg }) => alg !== 'HS256')

for (const key of keys) {
  t.test(`${key.alg}: never accepts what jose refuses`, async (t) => {
    const shared = key.alg === 'HS256'
    const algorithms = shared ? ['HS256'] : asymmetric.map(({ alg }) => alg)
    const server = await serverFor(asymmetric, {
      algorithms: algorithms as Algorithm[],
      tokenCache: false,
      ...(shared && { jwks: {}, secret: SECRET }),
    })
    const jwks = createLocalJWKSet({ keys: asymmetric.map(({ publicJwk }) => publicJwk) })
    const options = {
      issuer: ISSUER,
      audience: AUDIENCE,
      algorithms,
      clockTolerance: 30,
      currentDate: new Date(NOW * 1000),
    }
    const joseAccepts = async (raw: string) => {
      try {
        await (shared ? jwtVerify(raw, SECRET, options) : jwtVerify(raw, jwks, options))
        return true
      } catch (error) {
        if (error instanceof errors.JOSEError || error instanceof TypeError) return false
        throw error
      }
    }

    const below = random(SEED + keys.indexOf(key))
    const always = new Set([...STRICTER, ...(shared ? STRICTER_WITH_SECRET : [])])
    const intended = new Set([...always, ...STRICTER_SPELLING])
    const oneIn = THINNED[key.alg] ?? 1
    let total = 0
    const counts = { both: 0, neither: 0, stricter: 0 }
    const strictness = new Map<string, number>()
    const mutants = [
      ...headerMutants(key),
      ...claimMutants(key),
      ...encodingMutants(key, below),
      ...randomMutants(key, below),
    ]
    for (const { kind, title, raw: make } of sample(mutants, oneIn)) {
      const raw = make()
      total++
      const [jose, ours] = [await joseAccepts(raw), await outcome(server, raw)]
      const accepted = ours === 'accepted'
      if (ours.startsWith('crash') || ours.startsWith('leak')) t.fail(`${title}: ${ours}`)
      if (accepted && !jose) t.fail(`accepted here, refused by jose: ${title}`)
      if (kind === 'harmless' && !(accepted && jose)) t.fail(`harmless: ${title}: ${ours}`)
      if (accepted && jose) counts.both++
      else if (!jose) counts.neither++
      else {
        counts.stricter++
        // What a random change amounts to is told by the check that refused it.
        const meant = kind === 'random' ? `random: ${ours}` : kind
        strictness.set(meant, (strictness.get(meant) ?? 0) + 1)
        const isMeant =
          kind === 'random'
            ? ['token', 'type', 'claims', 'issued-at'].includes(ours)
            : intended.has(kind)
        if (!isMeant) t.fail(`stricter than jose and not meant to be: ${kind}, ${title}: ${ours}`)
      }
    }
    t.comment(`${total} tokens: ${JSON.stringify(counts)}`)
    t.comment(JSON.stringify(Object.fromEntries(strictness)))
    t.ok(total > 1_000 / oneIn, 'a corpus worth its name')
    t.ok(counts.both > 200 / oneIn, 'good ones among them')
    t.ok(counts.neither > 500 / oneIn, 'and bad ones')
    for (const kind of always) t.ok(strictness.has(kind), `stricter, and it shows: ${kind}`)
  })
}

t.test('J13: a key set offers the keys that jose would choose, and no other', async (t) => {
  const below = random(SEED)
  const pick = <T>(values: readonly T[]): T => values[below(values.length)] as T
  const jwkOf = (key: KeyObject) => key.export({ format: 'jwk' }) as JWK
  const material: readonly JWK[] = [
    ...asymmetric.map(({ publicJwk: { kid, alg, use, ...jwk } }) => jwk as JWK),
    jwkOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey),
    jwkOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey),
    jwkOf(generateKeyPairSync('ed448').publicKey),
    jwkOf(generateKeyPairSync('x25519').publicKey),
    jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
    { kty: 'oct', k: SECRET.toString('base64url') },
    { kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA' },
    { kty: 'RSA', e: 'AQAB' } as JWK,
  ]
  const algorithms = [
    'RS256',
    'RS512',
    'PS256',
    'ES256',
    'ES384',
    'ES512',
    'EdDSA',
    'Ed25519',
  ] as const
  const kids = [undefined, 'a', 'b', '__proto__', 'constructor', '']
  const absentOr = (value: Record<string, unknown>) => (below(3) === 0 ? value : {})
  const spki = (key: KeyObject) => key.export({ type: 'spki', format: 'der' }).toString('base64url')

  const counts = { chosen: 0, none: 0, stricter: 0 }
  const sets = 150
  for (let i = 0; i < sets; i++) {
    const members = Array.from({ length: 1 + below(6) }, () => ({
      ...pick(material),
      ...absentOr({ kid: pick([...kids, null, 5]) }),
      ...absentOr({ alg: pick([...algorithms, 'none', 'RSA-OAEP', null, 5, '']) }),
      ...absentOr({ use: pick(['sig', 'sig', 'enc', null, '']) }),
      ...absentOr({
        key_ops: pick([['verify'], ['verify'], ['verify', 'verify'], ['sign'], [], 'verify', null]),
      }),
      ...absentOr(below(4) === 0 ? { ext: pick([true, false, null, 'true']) } : {}),
    }))
    const local = createLocalJWKSet(JSON.parse(JSON.stringify({ keys: members })))
    const ours = await importKeySet(JSON.parse(JSON.stringify({ keys: members })), 99).catch(
      () => undefined,
    )
    for (const alg of algorithms) {
      for (const kid of kids) {
        const header = kid === undefined ? { alg } : { alg, kid }
        const jose = (await joseKeys(local, header)).map(spki)
        const found = (ours?.find(alg, kid) ?? []).map(({ material }) => spki(material))
        const beyond = found.filter((key) => !jose.includes(key))
        const described = `${JSON.stringify(header)} in ${JSON.stringify(members)}`
        if (beyond.length > 0) t.fail(`a key that jose would not choose: ${described}`)
        const missed = jose.filter((key) => !found.includes(key))
        // jose hands small RSA keys out and refuses them later; a `kid` that is no string is
        // malformed to us, and to jose only for tokens that have one.
        const meant = members.some(
          (member) =>
            (member.n !== undefined && member.n.length < 200) ||
            (member.kid !== undefined && typeof member.kid !== 'string'),
        )
        if (missed.length > 0 && !meant) t.fail(`a key that jose would choose: ${described}`)
        if (found.length > 0) counts.chosen++
        else if (missed.length > 0) counts.stricter++
        else counts.none++
      }
    }
  }
  t.comment(`${sets} key sets: ${JSON.stringify(counts)}`)
  t.ok(counts.chosen > 150)
  t.ok(counts.none > 300)
})

async function joseKeys(
  local: ReturnType<typeof createLocalJWKSet>,
  header: { alg: string; kid?: string },
): Promise<KeyObject[]> {
  try {
    return [KeyObject.from(await local(header))]
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) return []
    const found: KeyObject[] = []
    for await (const key of error) found.push(KeyObject.from(key))
    return found
  }
}
