/** The syntax of a DPoP proof, before anything in it is compared or verified. */
import t from 'tap'
import { parseProof } from '../../../src/binding/dpop/proof.js'
import { InvalidDPoPProofError } from '../../../src/errors/errors.js'

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const CLAIMS = { jti: 'j', htm: 'GET', htu: 'https://api.example/', iat: 7, ath: 'a', nonce: 'n' }
const HEADER = encode({ typ: 'dpop+jwt' })

function proofOf(claims: Record<string, unknown> = {}): string {
  return `${HEADER}.${encode({ ...CLAIMS, ...claims })}.AAAA`
}

/** Returns the rejection detail; `accepted` if there is none. */
function mistakeIn(raw: string): string {
  try {
    parseProof(raw)
    return 'accepted'
  } catch (error) {
    const { message, expected } = error as InvalidDPoPProofError
    t.ok(error instanceof InvalidDPoPProofError)
    t.equal(message, 'The DPoP proof is malformed')
    return `${expected}`
  }
}

t.test('P1.2: returns the parts that the next checks need', async (t) => {
  const raw = proofOf()
  t.strictSame(parseProof(raw), {
    headerSegment: HEADER,
    claims: CLAIMS,
    signingInput: raw.slice(0, raw.lastIndexOf('.')),
    signature: Buffer.from([0, 0, 0]),
  })
  const { ath: _ath, nonce: _nonce, ...least } = CLAIMS
  const { claims } = parseProof(`${HEADER}.${encode({ ...least, more: 1 })}.AAAA`)
  t.strictSame(claims, { ...least, ath: undefined, nonce: undefined })
})

t.test('P1.2: accepts one JWT of three parts, of bounded length', async (t) => {
  const parts = 'canonical base64url of JSON objects with few members, none of them duplicated'
  t.equal(mistakeIn(''), 'a JWT of three parts')
  t.equal(mistakeIn(`${proofOf()}.`), 'a JWT of three parts')
  t.equal(mistakeIn(`${HEADER}.${encode([])}.AAAA`), parts)
  t.equal(mistakeIn(`${HEADER}.!.AAAA`), parts)
  t.equal(mistakeIn(`${proofOf()}=`), parts)
  const longest = proofOf().padEnd(12_288, 'A')
  t.equal(mistakeIn(longest), 'accepted')
  t.equal(mistakeIn(`${longest}AAAA`), 'at most 12288 characters')
})

t.test('P1.3: rejects a missing, empty or mistyped claim', async (t) => {
  for (const name of ['jti', 'htm', 'htu', 'ath', 'nonce']) {
    const expected = `"${name}": a non-empty string`
    for (const odd of ['', 1, null, true, ['x'], {}]) {
      t.equal(mistakeIn(proofOf({ [name]: odd })), expected, `${name}: ${JSON.stringify(odd)}`)
    }
    const absent = mistakeIn(proofOf({ [name]: undefined }))
    t.equal(absent, name === 'ath' || name === 'nonce' ? 'accepted' : expected, `no ${name}`)
  }
  for (const odd of ['7', null, true, [7], undefined]) {
    t.equal(mistakeIn(proofOf({ iat: odd })), '"iat": a finite number', `${odd}`)
  }
  const infinite = Buffer.from('{"jti":"j","htm":"GET","htu":"h","iat":1e400}').toString(
    'base64url',
  )
  t.equal(mistakeIn(`${HEADER}.${infinite}.AAAA`), '"iat": a finite number', 'an infinite one')
  for (const iat of [0, -1, 0.5]) t.equal(mistakeIn(proofOf({ iat })), 'accepted', `${iat}`)
})
