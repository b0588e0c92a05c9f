/** The URL that `verify()` compares with the one in a proof. */
import t from 'tap'
import { createResourceServer, type ResourceServerOptions } from '../../src/index.js'
import { DPoPClient } from '../fixtures/dpop-client.js'
import { given, tokenOf } from '../fixtures/protected-api.js'

const client = await DPoPClient.make()
const token = await tokenOf({ cnf: { jkt: client.jkt } })
const server = await createResourceServer(given({ dpop: 'allowed' }) as ResourceServerOptions)
t.teardown(() => server.close())

async function verify(url: string, htu: string) {
  const proof = await client.proof({ url: htu, token })
  return server.verify({ token, dpop: { proof, method: 'GET', url } })
}

t.test('E32: treats an internationalized host and its ASCII form as equal', async (t) => {
  const ascii = 'https://xn--bcher-kva.example'
  for (const [url, htu] of [
    ['https://bücher.example/orders', `${ascii}/orders`],
    ['HTTPS://BÜCHER.example/orders?q=1', `${ascii}/orders`],
    ['https://bücher.example', `${ascii}/`],
    ['https://bücher.example:443/a', `${ascii}/a`],
    ['https://bücher.example:8443/a', `${ascii}:8443/a`],
    ['https://bücher．example/a', `${ascii}/a`],
    [`${ascii}/a`, `${ascii}/a`],
  ] as const) {
    t.equal((await verify(url, htu)).raw, token, url)
  }
  for (const [url, htu] of [
    ['https://bücher.example/orders', 'https://xn--other-kva.example/orders'],
    ['https://bücher.example/a/../b', `${ascii}/b`],
    ['https://bücher.example/å', `${ascii}/%C3%A5`],
    ['https://bücher.example\\@evil.example/', 'https://evil.example/'],
    ['https://bücher.example@evil.example/', 'https://evil.example/'],
    ['https://api.example@evil.example/', 'https://evil.example/'],
    ['https://bü／cher.example/', 'https://evil.example/'],
    ['https://bü cher.example/', 'https://evil.example/'],
    ['https://api.examplehttps://evil.example/', 'https://evil.example/'],
  ] as const) {
    await t.rejects(verify(url, htu), { code: 'invalid_dpop_proof' }, url)
  }
})

t.test('throws a TypeError for a URL without a host', async (t) => {
  for (const url of ['', '/orders', 'api.example/orders', 'https:///orders', 'ftp://a.example/']) {
    await t.rejects(verify(url, 'https://api.example/orders'), {
      name: 'TypeError',
      message:
        '"dpop.url" of a presented token must be an absolute http or https URL, such as https://api.example.com/orders',
    })
  }
})
