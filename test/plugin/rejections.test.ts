/** The hook ends with an Error for any thrown value: without an error, Fastify would admit the request. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import t from 'tap'
import { Rejections } from '../../src/plugin/rejections.js'

t.test('rejects a request with an Error, whatever value was thrown', async (t) => {
  const credentials = { errorFor: (thrown: unknown) => thrown }
  const rejections = new Rejections({} as never, credentials as never, {} as never, undefined)
  for (const thrown of [
    undefined,
    null,
    false,
    0,
    '',
    'text',
    1n,
    Symbol('s'),
    { statusCode: 200 },
    [],
    () => {},
  ]) {
    let ended: unknown
    const request = { raw: {} } as FastifyRequest
    rejections.reject(thrown, undefined, request, {} as FastifyReply, (error) => {
      ended = error
    })
    t.match(ended, new Error('A non-Error value was thrown during authentication'), typeof thrown)
    t.ok(ended instanceof Error)
  }
})
