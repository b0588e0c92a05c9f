/**
 * The commands read hostile text in linear time: tokens, and files of a project. With quadratic
 * time, these texts would take hours: the timeout of the file ends the test.
 */
import t from 'tap'
import { readGivenToken } from '../../src/cli/explain/given-token.js'
import { malformedAdvice } from '../../src/cli/explain/malformed-advice.js'
import { spellingDifference } from '../../src/cli/explain/spelling.js'
import { readProject } from '../../src/cli/init/project.js'
import { AUDIENCE, ISSUER, makeKey, seconds, sign } from '../fixtures/issuer.js'
import { runHere } from './fixtures/run.js'

const LENGTH = 1_000_000

/** Returns the unit repeated to at most `bytes` bytes in UTF-8. */
function repeated(unit: string, bytes: number = LENGTH): string {
  return unit.repeat(bytes / Buffer.byteLength(unit))
}

const UNITS = [
  ...[' ', '\t', '\r\n', '\u00a0', '.', 'a.', '"', "'", '\\', '0', '[', '{', '=', ',', ' ;'],
  ...['eyJ', 'eyJ.', 'eyJa.a.', 'a', 'Bearer ', 'authorization: ', 'access_token=', '%41', '<'],
]

t.test('explain extracts a token from a million characters', async (t) => {
  for (const unit of UNITS) {
    const text = repeated(unit)
    for (const input of [`a${text}b`, `"${text}!`, `authorization:${text}"`, `eyJ.${text}!`]) {
      t.type(readGivenToken(input).token, 'string', unit)
    }
  }
})

t.test('explain advises on a malformed token of a million characters', async (t) => {
  for (const unit of UNITS) {
    for (const raw of [repeated(unit), `eyJ.${repeated(unit)}!`]) {
      t.type(malformedAdvice(raw, Number.POSITIVE_INFINITY), 'string', unit)
    }
  }
})

t.test('explain compares identifiers of a million characters', async (t) => {
  for (const unit of ['/', ' ', 'a', ':', '://']) {
    t.equal(spellingDifference(`https://${repeated(unit)}!`, ISSUER), undefined)
  }
})

t.test('explain reads the largest input', async (t) => {
  const flags = ['--issuer', 'http://127.0.0.1:1', '--audience', 'a', '--max-token-length', '65536']
  for (const unit of UNITS) {
    for (const input of [`a${repeated(unit, 131_000)}b`, `eyJ${repeated(unit, 65_000)}!`]) {
      t.match(await runHere(['explain'], { input }), { code: /^[15]$/, stderr: '' }, unit)
      t.match(await runHere(['explain', ...flags], { input }), { code: 1, stderr: '' }, unit)
    }
  }
})

t.test('explain reads a token with the longest claims', async (t) => {
  const key = await makeKey('ES256')
  const flags = ['--issuer', 'http://127.0.0.1:1', '--audience', AUDIENCE]
  const long = ['--max-token-length', '65536', '--scope', 'a']
  for (const unit of ['/', ' ', ',', '.', '1.', 'eyJ', '\u202e']) {
    const value = `https://${repeated(unit, 40_000)}!`
    for (const claims of [{ iss: value }, { aud: value }, { scope: value }, { sub: value }]) {
      const input = await sign(key, { exp: seconds() + 60, ...claims })
      t.match(await runHere(['explain', ...flags, ...long], { input }), { code: 1, stderr: '' })
    }
  }
})

t.test('init reads a tsconfig.json of a million lines', async (t) => {
  for (const [unit, expected] of [
    ['\n', 'node16'],
    ['\r', 'node16'],
    ['\u2028', 'node16'],
    ['"module"\n', 'node16'],
    ['// "module": "node16"\n', 'node16'],
    ['/', undefined],
    ['"module" ', undefined],
  ] as const) {
    const ends = `${repeated(unit)}${expected === undefined ? '' : '\n"module": "node16"'}`
    const folder = t.testdir({ 'package.json': '{}', 'tsconfig.json': ends })
    t.equal((await readProject(folder, undefined)).rejectsImports, expected, unit)
  }
})
