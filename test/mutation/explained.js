/**
 * Mutants that no test can notice, and why. One that isn't listed here fails the run. They are found
 * again by the line on which they begin, so that what stands above it may change.
 */
const AUTHORIZATION = 'src/credentials/authorization.ts'
const NAMES =
  "(name === 'authorization' || name === 'Authorization' || name.toLowerCase() === 'authorization')"

const EXPLAINED = [
  {
    file: AUTHORIZATION,
    line: 'name.length === 13 &&',
    to: ['true'],
    why: 'spares a copy of each name; the comparison after it decides',
  },
  {
    file: AUTHORIZATION,
    line: NAMES,
    from: [
      "name === 'authorization' || name === 'Authorization'",
      "name === 'authorization'",
      "name === 'Authorization'",
      "'Authorization'",
    ],
    to: ['false', "name === 'authorization' && name === 'Authorization'", '""'],
    why: 'spares a copy of the usual spellings; the comparison without case decides',
  },
  {
    file: AUTHORIZATION,
    line: NAMES,
    from: ["'authorization'"],
    to: ['""'],
    // The second of them decides.
    nth: 0,
    why: 'spares a copy of the usual spellings; the comparison without case decides',
  },
  {
    file: AUTHORIZATION,
    line: 'if (!authorization.startsWith(scheme.usual) && !scheme.pattern.test(authorization)) {',
    from: ['!authorization.startsWith(scheme.usual)'],
    to: ['true'],
    why: 'spares the usual spelling the pattern, which says the same',
  },
  {
    file: 'src/credentials/bearer.ts',
    line: 'if (token !== undefined && !isToken68(token)) throw malformedHeader()',
    from: ['token !== undefined'],
    to: ['true'],
    why: 'for the compiler: the pattern takes undefined for the word',
  },
  {
    file: 'src/credentials/dpop-proofs.ts',
    line: "if (name.length === 4 && name.toLowerCase() === 'dpop') proofs.push(rawHeaders[i + 1] as string)",
    from: ['name.length === 4'],
    to: ['true'],
    why: 'spares a copy of each name; the comparison after it decides',
  },
  {
    file: 'src/challenge.ts',
    line: 'if (maxAge !== undefined && Number.isSafeInteger(maxAge) && maxAge >= 0) {',
    from: ['maxAge !== undefined'],
    to: ['true'],
    why: 'for the compiler: undefined is no safe integer',
  },
  {
    file: 'src/token/claims.ts',
    line: 'return types.includes(typ) || types.includes(mediaType(typ))',
    from: ['types.includes(typ)'],
    to: ['false'],
    why: 'spares the usual spelling two copies; the comparison after it decides',
  },
  {
    file: 'src/token/claims.ts',
    line: "if (typeof typ === 'string' && OTHER_KINDS.has(typ)) {",
    from: ["typeof typ === 'string'"],
    to: ['true'],
    why: 'for the compiler: the set holds nothing but strings',
  },
  {
    file: 'src/token/base64url.ts',
    line: "Buffer.byteLength(text, 'utf8') === length",
    from: ["'utf8'"],
    to: ['""'],
    why: 'what Node counts in where nobody says',
  },
  {
    file: 'src/token/known-headers.ts',
    line: "this.#headers.set(Buffer.from(segment, 'latin1').toString('latin1'), header)",
    from: ["'latin1'"],
    to: ['""'],
    why: 'UTF-8 then: verified headers are of ASCII, of which both make the same bytes',
  },
  {
    file: 'src/token/signature.ts',
    line: "const input = Buffer.from(signingInput, 'latin1')",
    from: ["'latin1'"],
    to: ['""'],
    why: 'UTF-8 then: the input is of ASCII, of which both make the same bytes',
  },
  {
    file: 'src/token/signature.ts',
    line: "RS256: { kind: 'pkcs1', hash: 'sha256' },",
    to: ['{}'],
    why: 'SHA-256 is what OpenSSL takes for RSA where nobody names a hash',
  },
  {
    file: 'src/token/signature.ts',
    from: ["'pkcs1'", "'eddsa'"],
    to: ['""'],
    why: 'a kind that nothing is done for has a name for the reader alone',
  },
  {
    file: 'src/keys/file-key-store.ts',
    line: "return isJsonObject(value) && typeof value.issuer === 'string' && Number.isFinite(value.fetchedAt)",
    from: ["typeof value.issuer === 'string'"],
    to: ['true'],
    why: 'for the compiler: whoever asks compares it with an issuer',
  },
  {
    file: 'src/keys/file-key-store.ts',
    line: 'if (process.getuid !== undefined && (uid !== process.getuid() || (mode & 0o022) !== 0)) {',
    from: ['process.getuid !== undefined'],
    to: ['true'],
    why: 'for systems without user ids, on which the tests do not run',
  },
  {
    file: 'src/keys/file-key-store.ts',
    line: '} catch {',
    from: ['{ return undefined }'],
    to: ['{}'],
    why: 'the same, without the word',
  },
  {
    file: 'src/keys/file-key-store.ts',
    line: "return await handle.readFile('utf8')",
    from: ["'utf8'"],
    to: ['""'],
    why: 'the bytes then, of which JSON.parse makes the same text',
  },
  {
    file: 'src/keys/key-set.ts',
    line: "const usable = keys.flatMap((one) => (one.status === 'fulfilled' && one.value) || [])",
    from: ["one.status === 'fulfilled'"],
    to: ['true'],
    why: 'for the compiler: what was rejected has no value',
  },
  {
    file: 'src/keys/remote-keys.ts',
    line: 'if (found.length === 0 && kid !== undefined) this.#absent.add(kid, this.#unknownKidAllowedAt)',
    from: ['found.length === 0'],
    to: ['true'],
    why: 'a kid of the set is looked up there first, and no set replaces it without forgetting the absent',
  },
  {
    file: 'src/keys/remote-keys.ts',
    line: 'if (kid !== undefined && this.#absent.has(kid, now)) return true',
    from: ['kid !== undefined'],
    to: ['true'],
    why: 'for the compiler: undefined is never added to the absent',
  },
  {
    file: 'src/binding/demand.ts',
    line: 'const resolved = { ...defaults }',
    to: ['{}'],
    why: 'for the compiler: the loop sets each of its members, or throws',
  },
  {
    file: 'src/binding/certificate/escaped-pem.ts',
    line: '} catch {',
    to: ['{}'],
    why: 'what is no text is no more a certificate than the empty one',
  },
  {
    file: 'src/binding/certificate/escaped-pem.ts',
    line: "return ''",
    to: ['"Stryker was here!"'],
    why: 'one text that is no certificate is as good as another',
  },
  {
    file: 'src/binding/certificate/forwarded-certificates.ts',
    line: 'if (sent.length === name.length && sent.toLowerCase() === name) {',
    from: ['sent.length === name.length'],
    to: ['true'],
    why: 'spares a copy of each name; the comparison after it decides',
  },
  {
    file: 'src/binding/certificate/forwarded-client-cert.ts',
    line: "for (const [pair, key = '', quoted, plain = ''] of value.matchAll(PAIR)) {",
    from: ["''"],
    to: ['"Stryker was here!"'],
    why: 'for the compiler: there always is a key, and a plain value wherever none is quoted',
  },
  {
    file: 'src/binding/certificate/trusted-proxies.ts',
    line: 'if (address === undefined) return false',
    from: ['address === undefined'],
    to: ['false'],
    why: 'for the compiler: undefined is no address either',
  },
  {
    file: 'src/binding/certificate/trusted-proxies.ts',
    line: "return version !== 0 && this.#ranges.check(address, version === 4 ? 'ipv4' : 'ipv6')",
    from: ['version !== 0'],
    to: ['true'],
    why: 'Node finds what is no address in no range, which is not written down in its manual',
  },
  {
    file: 'src/binding/dpop/dpop.ts',
    line: 'if (!(await isSignedBy(key, algorithm, proof, true))) {',
    from: ['true'],
    to: ['false'],
    why: 'on which thread the signature is verified; it is the same verdict',
  },
  {
    file: 'src/binding/dpop/nonces.ts',
    line: 'if (this.#period?.number === number) return this.#period',
    from: ['this.#period?.number === number'],
    to: ['false'],
    why: 'spares the HMACs, which come out the same within a period',
  },
  {
    file: 'src/binding/dpop/proof-keys.ts',
    line: "this.#known.set(Buffer.from(headerSegment, 'latin1').toString('latin1'), key)",
    from: ["'latin1'"],
    to: ['""'],
    why: 'UTF-8 then: a header that was read is of ASCII, of which both make the same bytes',
  },
  {
    file: 'src/binding/dpop/proof-keys.ts',
    line: "const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']",
    from: ["'d'", "'k'"],
    to: ['""'],
    why: 'refused once more where the key is imported, in the same words',
  },
  {
    file: 'src/binding/dpop/proof.ts',
    line: `if (typeof iat !== 'number' || !Number.isFinite(iat)) throw malformed('"iat": a finite number')`,
    from: ["typeof iat !== 'number'"],
    to: ['false'],
    why: 'for the compiler: what is no number is no finite one',
  },
  {
    file: 'src/binding/dpop/replay-memory.ts',
    from: ["''"],
    to: ['"Stryker was here!"'],
    why: 'that it is there is all that is ever asked',
  },
  {
    file: 'src/binding/dpop/target-uri.ts',
    line: "if (htu === target.split('?', 1)[0]) return true",
    from: ["htu === target.split('?', 1)[0]", "'?'"],
    to: ['false', '""'],
    why: 'spares the usual spelling the parser, which says the same of every URI',
  },
  {
    file: 'src/binding/dpop/target-uri.ts',
    line: 'return /[\\w.~-]/.test(character) ? character : encoded.toUpperCase()',
    from: ['encoded.toUpperCase()'],
    to: ['encoded.toLowerCase()'],
    why: 'both URLs are written in the same case then, too',
  },
  {
    file: 'src/keys/thumbprint.ts',
    line: "typeof jwk.kty === 'string' && Object.hasOwn(MEMBERS, jwk.kty) ? MEMBERS[jwk.kty] : undefined",
    from: ["typeof jwk.kty === 'string'"],
    to: ['true'],
    why: 'for the compiler: "kty" is one of the members that must be texts',
  },
  {
    file: 'src/keys/verification-key.ts',
    line: 'if (algorithm === undefined) return undefined',
    from: ['algorithm === undefined'],
    to: ['false'],
    why: 'for the compiler: jose imports nothing without an algorithm',
  },
  {
    file: 'src/keys/verification-key.ts',
    line: '} catch {',
    to: ['{}'],
    why: 'a function that ends without a value returns undefined, too',
  },
  {
    file: 'src/keys/verification-key.ts',
    line: 'return named && shape.kty === kty && shape.crv === crvOf(kty, crv)',
    from: ['shape.kty === kty'],
    to: ['true'],
    why: 'jose imports a key of another kind for no algorithm; we would rather not depend on it',
  },
  {
    file: 'src/keys/remote-keys.ts',
    line: 'if (this.#loaded === undefined || this.#closing.signal.aborted) return',
    from: ['this.#loaded === undefined'],
    to: ['false'],
    why: 'it fails then in the attempt, which has failed anyhow; who waits for it is given another error',
  },
  {
    file: 'src/keys/remote-keys.ts',
    line: 'tried: Candidates = [],',
    to: ['["Stryker was here"]'],
    why: 'no key is that text',
  },
  {
    file: 'src/keys/verification-key.ts',
    line: "const issuer = typeof jwk.issuer === 'string' ? jwk.issuer : typeof jwk.issuer === 'undefined'",
    from: ["typeof jwk.issuer === 'undefined'"],
    to: ["typeof jwk.issuer !== 'undefined'"],
    why: 'told apart all the same: which of the two is true says nothing',
  },
  {
    file: 'src/keys/deadline.ts',
    line: 'const close = () => controller.abort(closing?.reason)',
    from: ['closing?.reason'],
    to: ['closing.reason'],
    why: 'for the compiler: nothing but closing calls it',
  },
  {
    file: 'src/keys/fetch-json.ts',
    line: 'const [, seconds] = /(?:^|[\\s,])max-age="?(\\d{1,10})/.exec(directives) ?? []',
    from: ['[]'],
    to: ['["Stryker was here"]'],
    why: 'what comes first is skipped',
  },
  {
    file: 'src/keys/small-order.ts',
    line: "const { x = '' } = key.export({ format: 'jwk' })",
    from: ["''"],
    to: ['"Stryker was here!"'],
    why: 'for the compiler: a key of Ed25519 always has an x',
  },
  {
    file: 'src/keys/given-keys.ts',
    line: "fingerprint: 'shared secret',",
    to: ['""'],
    why: 'no refresh ever compares it',
  },
  {
    file: 'src/keys/fetch-json.ts',
    from: ["''"],
    to: ['"Stryker was here!"'],
    why: 'no header and no body: neither text is a number, a directive or JSON',
  },
]

export function explanationOf({ file, context, original, replacement, key }) {
  const found = EXPLAINED.find(
    (one) =>
      one.file === file &&
      (one.line === undefined || one.line === context) &&
      (one.from === undefined || one.from.includes(original)) &&
      one.to.includes(replacement) &&
      (one.nth === undefined || key.endsWith(`\n${one.nth}`)),
  )
  return found?.why
}
