import t from 'tap'
import { verifyInBatch } from '../../src/token/signature-batch.js'

t.test('verifies the signatures of one turn together, after the turn', async (t) => {
  const log: string[] = []
  const all = [true, false, true].map(async (valid) => {
    const result = await verifyInBatch(() => {
      log.push(`verifies ${valid}`)
      return valid
    })
    log.push(`found ${result}`)
    return result
  })
  await Promise.resolve()
  log.push('end of the turn')
  t.same(await Promise.all(all), [true, false, true])
  t.same(log, [
    'end of the turn',
    'verifies true',
    'verifies false',
    'verifies true',
    'found true',
    'found false',
    'found true',
  ])
})

t.test('an error is an invalid signature, and affects no other one', async (t) => {
  const failing = () => {
    throw new Error('OpenSSL')
  }
  const all = [() => true, failing, () => true].map(verifyInBatch)
  t.same(await Promise.all(all), [true, false, true])
})

t.test('verifies signatures that a result leads to in the next batch', async (t) => {
  t.equal(await verifyInBatch(() => true).then(() => verifyInBatch(() => false)), false)
  t.equal(await verifyInBatch(() => true), true)
})

t.test('does not depend on the global setImmediate()', async (t) => {
  // As the fake timers of test frameworks do.
  t.intercept(globalThis, 'setImmediate', { value: () => {} })
  t.equal(await verifyInBatch(() => true), true)
})
