/** Binding requirements of a route, and the defaults in the options. */
import t from 'tap'
import { resolveBindingRequirement } from '../../src/binding/requirement.js'

const BOTH = { dpop: 'allowed', mtls: 'required' } as const
const OFF = { dpop: 'off', mtls: 'off' } as const

t.test('omitted members default to the options', async (t) => {
  t.same(resolveBindingRequirement({}, BOTH), BOTH)
  t.same(resolveBindingRequirement({ dpop: undefined } as never, BOTH), BOTH)
  t.same(resolveBindingRequirement({ dpop: 'required' }, BOTH), {
    dpop: 'required',
    mtls: 'required',
  })
  t.same(resolveBindingRequirement({ mtls: 'off' }, BOTH), { dpop: 'allowed', mtls: 'off' })
  t.same(resolveBindingRequirement({ dpop: 'off' }, OFF), OFF, 'off if it is off by default')
})

t.test('rejects an unknown mode', async (t) => {
  for (const key of ['dpop', 'mtls']) {
    const message = `requirement.${key} must be "off", "allowed" or "required"`
    for (const mode of ['Required', 'on', '', true, null, ['required']]) {
      const resolve = () => resolveBindingRequirement({ [key]: mode }, BOTH)
      t.throws(resolve, { name: 'TypeError', message }, `${key}: ${mode}`)
    }
  }
})

t.test('rejects a requirement whose option is off', async (t) => {
  for (const key of ['dpop', 'mtls']) {
    for (const mode of ['allowed', 'required']) {
      const message = `requirement.${key} is "${mode}" but the "${key}" option is off: enable it`
      t.throws(() => resolveBindingRequirement({ [key]: mode }, OFF), {
        name: 'TypeError',
        message,
      })
    }
  }
})

t.test('the resolved requirement is frozen', async (t) => {
  t.ok(Object.isFrozen(resolveBindingRequirement({}, BOTH)))
})
