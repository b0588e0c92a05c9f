/**
 * Parses the JSON of tokens, proofs and introspection responses (src/base/json-object.ts):
 * generated texts, also with edited characters. Compares the results with an independent parser and
 * JSON.parse.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseJsonObject } from '../../../src/base/json-object.js'
import { edited, edits } from '../arbitraries/edits.js'
import { jsonObject, jsonValue } from '../arbitraries/json.js'
import { anyText } from '../arbitraries/text.js'
import { isStrictObject } from '../oracles/strict-json.js'
import type { Target } from '../target.js'

const piece = fc.oneof(
  fc.constantFrom(
    '"',
    ':',
    ',',
    '{',
    '}',
    '[',
    ']',
    '\\',
    '"a":1,',
    ' ',
    '\n',
    '\u00a0',
    '\0',
    '01',
    '.5',
    'NaN',
  ),
  anyText(3),
)

const text = fc.oneof({ weight: 5, arbitrary: jsonObject }, { weight: 1, arbitrary: jsonValue })

export const json: Target<readonly [string, Parameters<typeof edited>[1]]> = {
  name: 'json',
  share: 0.2,
  cases: fc.tuple(text, edits(piece, 2)),
  requiredOutcomes: ['object', 'rejected, JSON', 'rejected, not JSON'],
  async open() {
    return {
      run([text, changes]) {
        const given = edited(text, changes)
        const found = parseJsonObject(given)
        const [isJson, value] = parsed(given)
        assert.equal(found !== undefined, isStrictObject(given), JSON.stringify(given))
        if (found === undefined) return isJson ? 'rejected, JSON' : 'rejected, not JSON'
        assert.deepEqual(found, value)
        assert.ok(isFrozen(found), 'not deeply frozen')
        return 'object'
      },
      async close() {},
    }
  },
}

function parsed(given: string): readonly [boolean, unknown?] {
  try {
    return [true, JSON.parse(given)]
  } catch {
    return [false]
  }
}

function isFrozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  return Object.isFrozen(value) && Object.values(value).every(isFrozen)
}
