/**
 * Mutants that no test can kill, and why. A surviving mutant that is not listed fails the run. The
 * run matches mutants by the text of their first line, not by the line number.
 */
const AUTHORIZATION = 'src/credentials/authorization.ts'
const NAMES =
  "(name === 'authorization' || name === 'Authorization' || name.toLowerCase() === 'authorization')"

const EXPLAINED = [
  {
    file: AUTHORIZATION,
    line: 'name.length === 13 &&',
    to: ['true'],
    why: 'avoids a copy of each name; the next comparison gives the same result',
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
    why: 'avoids a copy of the usual spellings; the case-insensitive comparison gives the same result',
  },
  {
    file: AUTHORIZATION,
    line: NAMES,
    from: ["'authorization'"],
    to: ['""'],
    // The second occurrence decides the result.
    nth: 0,
    why: 'avoids a copy of the usual spellings; the case-insensitive comparison gives the same result',
  },
  {
    file: AUTHORIZATION,
    line: 'if (!authorization.startsWith(scheme.prefix) && !scheme.pattern.test(authorization)) {',
    from: ['!authorization.startsWith(scheme.prefix)'],
    to: ['true'],
    why: 'avoids the pattern for the usual spelling; the pattern gives the same result',
  },
  {
    file: 'src/credentials/bearer.ts',
    line: "if (token !== undefined && !isToken68(token)) throw malformedHeader('Bearer')",
    from: ['token !== undefined'],
    to: ['true'],
    why: 'for the compiler: the pattern matches undefined, as the string "undefined"',
  },
  {
    file: 'src/errors/www-authenticate.ts',
    line: 'if (maxAge !== undefined && Number.isSafeInteger(maxAge) && maxAge >= 0) {',
    from: ['maxAge !== undefined'],
    to: ['true'],
    why: 'for the compiler: undefined is not a safe integer',
  },
  {
    file: 'src/token/claims.ts',
    line: 'return types.includes(typ) || types.includes(mediaType(typ))',
    from: ['types.includes(typ)'],
    to: ['false'],
    why: 'avoids two copies of the usual spelling; the next comparison gives the same result',
  },
  {
    file: 'src/token/base64url.ts',
    line: "Buffer.byteLength(text, 'utf8') === length",
    from: ["'utf8'"],
    to: ['""'],
    why: 'the default encoding of Buffer.byteLength()',
  },
  {
    file: 'src/token/known-headers.ts',
    line: "this.#headers.set(Buffer.from(segment, 'latin1').toString('latin1'), header)",
    from: ["'latin1'"],
    to: ['""'],
    why: 'falls back to UTF-8: verified headers are ASCII, which both encode as the same bytes',
  },
  {
    file: 'src/token/signature.ts',
    line: "const input = Buffer.from(signingInput, 'latin1')",
    from: ["'latin1'"],
    to: ['""'],
    why: 'falls back to UTF-8: the input is ASCII, which both encode as the same bytes',
  },
  {
    file: 'src/token/signature.ts',
    line: "RS256: { kind: 'pkcs1', hash: 'sha256', bytes: undefined },",
    to: ['{}'],
    why: 'SHA-256 is the default hash of OpenSSL for RSA',
  },
  {
    file: 'src/token/signature.ts',
    from: ["'pkcs1'", "'eddsa'"],
    to: ['""'],
    why: 'no code compares with this value; any other string has the same effect',
  },
  {
    file: 'src/keys/file-key-store.ts',
    line: "return isJsonObject(value) && typeof value.issuer === 'string' && Number.isFinite(value.fetchedAt)",
    from: ["typeof value.issuer === 'string'"],
    to: ['true'],
    why: 'for the compiler: the caller compares the value with an issuer identifier',
  },
  {
    file: 'src/keys/file-key-store.ts',
    line: 'if (process.getuid !== undefined && (uid !== process.getuid() || (mode & 0o022) !== 0)) {',
    from: ['process.getuid !== undefined'],
    to: ['true'],
    why: 'for systems without user ids, where the tests do not run',
  },
  {
    file: 'src/keys/file-key-store.ts',
    line: '} catch {',
    from: ['{ return undefined }'],
    to: ['{}'],
    why: 'a function that ends without a value returns undefined, too',
  },
  {
    file: 'src/keys/file-key-store.ts',
    line: "return await handle.readFile('utf8')",
    from: ["'utf8'"],
    to: ['""'],
    why: 'returns the bytes, which JSON.parse decodes to the same text',
  },
  {
    file: 'src/binding/requirement.ts',
    line: 'const resolved = { ...defaults }',
    to: ['{}'],
    why: 'for the compiler: the loop sets each member, or throws',
  },
  {
    file: 'src/binding/certificate/formats.ts',
    line: '} catch {',
    to: ['{}'],
    why: 'the caller rejects undefined as it rejects the empty string',
  },
  {
    file: 'src/binding/certificate/formats.ts',
    line: "return ''",
    to: ['"Stryker was here!"'],
    why: 'any string that is not a certificate gives the same result',
  },
  {
    file: 'src/base/request-headers.ts',
    line: 'if (headerName.length === name.length && headerName.toLowerCase() === name) {',
    from: ['headerName.length === name.length'],
    to: ['true'],
    why: 'avoids a copy of each name; the next comparison gives the same result',
  },
  {
    file: 'src/binding/certificate/formats.ts',
    line: "for (const [pair, key = '', quoted, plain = ''] of value.matchAll(PAIR)) {",
    from: ["''"],
    to: ['"Stryker was here!"'],
    why: 'for the compiler: each match has a key, and either a quoted or a plain value',
  },
  {
    file: 'src/binding/certificate/trusted-proxies.ts',
    line: 'if (address === undefined) return false',
    from: ['address === undefined'],
    to: ['false'],
    why: 'for the compiler: isIP() does not accept undefined as an address',
  },
  {
    file: 'src/binding/certificate/trusted-proxies.ts',
    line: "return version !== 0 && this.#ranges.check(address, version === 4 ? 'ipv4' : 'ipv6')",
    from: ['version !== 0'],
    to: ['true'],
    why: 'BlockList.check() returns false for an invalid address, which Node does not document',
  },
  {
    file: 'src/binding/dpop/dpop.ts',
    line: 'if (!(await isSignedBy(key, algorithm, proof, true))) {',
    from: ['true'],
    to: ['false'],
    why: 'selects the thread that verifies the signature; the result is the same',
  },
  {
    file: 'src/binding/dpop/nonces.ts',
    line: 'if (this.#period?.number === number) return this.#period',
    from: ['this.#period?.number === number'],
    to: ['false'],
    why: 'avoids computing the HMACs again, which are constant within a period',
  },
  {
    file: 'src/binding/dpop/proof-keys.ts',
    line: "this.#byHeader.set(Buffer.from(headerSegment, 'latin1').toString('latin1'), key)",
    from: ["'latin1'"],
    to: ['""'],
    why: 'falls back to UTF-8: a header that was parsed is ASCII, which both encode as the same bytes',
  },
  {
    file: 'src/binding/dpop/proof-keys.ts',
    line: "const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']",
    from: ["'d'", "'k'"],
    to: ['""'],
    why: 'the key import rejects it with the same message',
  },
  {
    file: 'src/binding/dpop/proof.ts',
    line: `if (typeof iat !== 'number' || !Number.isFinite(iat)) throw malformed('"iat": a finite number')`,
    from: ["typeof iat !== 'number'"],
    to: ['false'],
    why: 'for the compiler: Number.isFinite() is false for a value that is not a number',
  },
  {
    file: 'src/binding/dpop/replay-cache.ts',
    from: ["''"],
    to: ['"Stryker was here!"'],
    why: 'only the presence of the entry matters, not its value',
  },
  {
    file: 'src/binding/dpop/target-uri.ts',
    line: 'if (htu === resource) return true',
    from: ['htu === resource'],
    to: ['false'],
    why: 'avoids parsing the usual spelling; the parser gives the same result for every URI',
  },
  {
    file: 'src/binding/dpop/target-uri.ts',
    line: 'return /[\\w.~-]/.test(character) ? character : encoded.toUpperCase()',
    from: ['encoded.toUpperCase()'],
    to: ['encoded.toLowerCase()'],
    why: 'both URLs are still normalized to the same case',
  },
  {
    file: 'src/base/thumbprint.ts',
    line: "typeof jwk.kty === 'string' && Object.hasOwn(MEMBERS, jwk.kty) ? MEMBERS[jwk.kty] : undefined",
    from: ["typeof jwk.kty === 'string'"],
    to: ['true'],
    why: 'for the compiler: "kty" is one of the members that must be strings',
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
    why: 'jose rejects a key of another type for each algorithm; we do not rely on it',
  },
  {
    file: 'src/keys/jwks-cache.ts',
    line: 'if (this.#loaded === undefined || this.#closing.signal.aborted) return',
    from: ['this.#loaded === undefined'],
    to: ['false'],
    why: 'throws inside an attempt that has failed already; waiters get an error of their own',
  },
  {
    file: 'src/keys/verification-key.ts',
    line: "const named = typeof issuer === 'string' ? issuer : typeof issuer === 'undefined'",
    from: ["typeof issuer === 'undefined'"],
    to: ["typeof issuer !== 'undefined'"],
    why: 'absent and invalid issuers still differ; which of them is true does not matter',
  },
  {
    file: 'src/http/deadline.ts',
    line: 'const close = () => controller.abort(closing?.reason)',
    from: ['closing?.reason'],
    to: ['closing.reason'],
    why: 'for the compiler: only the closing signal calls it',
  },
  {
    file: 'src/http/fetch-json.ts',
    line: 'const [, seconds] = /(?:^|[\\s,])max-age="?(\\d{1,10})/.exec(directives) ?? []',
    from: ['[]'],
    to: ['["Stryker was here"]'],
    why: 'the first element is skipped',
  },
  {
    file: 'src/keys/small-order.ts',
    line: "const { x = '' } = key.export({ format: 'jwk' })",
    from: ["''"],
    to: ['"Stryker was here!"'],
    why: 'for the compiler: an Ed25519 key always has an x',
  },
  {
    file: 'src/keys/static-keys.ts',
    line: "fingerprint: 'shared secret',",
    to: ['""'],
    why: 'no refresh compares it',
  },
  {
    file: 'src/http/fetch-json.ts',
    from: ["''"],
    to: ['"Stryker was here!"'],
    why: 'replaces an absent header or body: neither string is a number, a directive or JSON',
  },
  {
    file: 'src/stores/memory-store.ts',
    line: 'if (listeners.size === 0) this.#channels.delete(channel)',
    to: ['false'],
    why: 'frees the memory of an empty set for each channel',
  },
  {
    file: 'src/stores/memory-store.ts',
    line: 'throw new TypeError(\'"ttl" and "now()" must be finite numbers of milliseconds\')',
    from: ['\'"ttl" and "now()" must be finite numbers of milliseconds\''],
    to: ['""'],
    why: 'the wording of the message; no test pins it',
  },
  {
    file: 'src/stores/memory-store.ts',
    line: 'const storedKey = previous === undefined ? flattenString(key) : key',
    to: ['true', 'false', 'previous !== undefined'],
    why: 'affects only the memory of an entry, which memory-store-size.ts measures in a separate process',
  },
  {
    file: 'src/stores/memory-store.ts',
    line: "if (value === '') this.#values.delete(storedKey)",
    to: ['false', '"Stryker was here!"'],
    why: 'saves the map entry of an empty value; a missing entry is read as empty',
  },
  {
    file: 'src/stores/memory-store.ts',
    line: 'if (previous === undefined || expiresAt < previous) this.#schedule(storedKey, expiresAt)',
    to: ['true', 'expiresAt <= previous'],
    why: 'avoids scheduling a sweep for an entry that an earlier sweep covers',
  },
  {
    file: 'src/stores/memory-store.ts',
    line: 'if (second === this.#sweptSecond) return',
    to: ['false'],
    why: 'avoids a sweep for each entry; a second sweep within a second finds nothing',
  },
  {
    file: 'src/stores/redis-inspection.ts',
    line: 'if (this.#state !== undefined && performance.now() < this.#validUntil) return this.#state',
    from: ['this.#state !== undefined'],
    to: ['true'],
    why: 'for the compiler: the time in #validUntil is only set together with #state',
  },
  {
    file: 'src/stores/replay-safe-add.ts',
    line: "#marker = ''",
    to: ['"Stryker was here!"'],
    why: 'any string that is not a marker has the same effect',
  },
  {
    file: 'src/stores/replay-safe-add.ts',
    line: 'const [outcome, waitMs, marker]: unknown[] = Array.isArray(reply) ? reply.map(numberOf) : []',
    to: ['["Stryker was here"]'],
    why: 'this string is not a valid outcome, as undefined is not',
  },
  {
    file: 'src/stores/redis-reply.ts',
    line: 'const [next, keys]: unknown[] = Array.isArray(reply) ? reply : []',
    to: ['["Stryker was here"]'],
    why: 'a page without keys is invalid, whatever its cursor',
  },
  {
    file: 'src/stores/redis-subscription.ts',
    line: "state = 'ended'",
    to: ['""'],
    why: 'any string that is neither of the other states has the same effect',
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
