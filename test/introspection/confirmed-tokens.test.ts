import t from 'tap'
import { ConfirmedTokens } from '../../src/introspection/confirmed-tokens.js'

function start() {
  const clock = { now: 1_000_000 }
  return { clock, tokens: new ConfirmedTokens(() => clock.now) }
}

t.test('picks at most the requested number, and never the token that failed', async (t) => {
  const { tokens } = start()
  for (const one of ['a', 'b', 'c']) tokens.add(one, undefined)
  t.strictSame([...tokens.pick(4, 'b')].sort(), ['a', 'c'])
  t.equal(tokens.pick(2, 'x').length, 2)
  tokens.delete('a')
  t.strictSame(tokens.pick(4, 'b'), ['c'])
})

t.test('keeps four tokens, including the latest', async (t) => {
  const { tokens } = start()
  for (let i = 0; i < 50; i++) {
    tokens.add(`token-${i}`, undefined)
    tokens.add(`token-${i}`, undefined)
    t.ok(tokens.pick(9, '').includes(`token-${i}`))
  }
  t.equal(tokens.pick(9, '').length, 4)
})

t.test('picks no token that has expired', async (t) => {
  const { clock, tokens } = start()
  tokens.add('short', 1_001)
  tokens.add('long', 2_000)
  clock.now = 1_001_000
  t.strictSame(tokens.pick(4, ''), ['long'])
  tokens.add('invalid', Number.NaN)
  t.strictSame(tokens.pick(4, ''), ['long'])
})
