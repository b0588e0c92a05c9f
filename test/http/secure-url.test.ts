import t from 'tap'
import { isLoopback, isSecureUrl } from '../../src/http/secure-url.js'

t.test('D3: recognizes the loopback hosts', async (t) => {
  const hosts = [
    'localhost',
    'LOCALHOST:8080',
    'api.localhost',
    '127.0.0.1',
    '127.1',
    '127.255.255.254',
    '0x7f.0.0.1',
    '2130706433',
    '[::1]',
    '[0:0:0:0:0:0:0:1]',
  ]
  for (const host of hosts) t.ok(isLoopback(new URL(`http://${host}/`)), host)
})

t.test('D3: recognizes no other host as loopback', async (t) => {
  const hosts = [
    'localhost.example',
    'notlocalhost',
    'localhost.',
    '127.0.0.1.example',
    '1270.example',
    '127.example',
    '128.0.0.1',
    '10.0.0.1',
    '0.0.0.0',
    '169.254.169.254',
    '[::]',
    '[::2]',
    '[::ffff:10.0.0.1]',
    'localhost@evil.example',
    '127.0.0.1@evil.example',
  ]
  for (const host of hosts) t.notOk(isLoopback(new URL(`http://${host}/`)), host)
})

t.test('D3: accepts https anywhere, and http where it is allowed', async (t) => {
  const table: [string, { allowHttp: boolean; mayBeLoopback: boolean }, boolean][] = [
    ['https://issuer.example/keys', { allowHttp: false, mayBeLoopback: false }, true],
    ['HTTPS://issuer.example/keys', { allowHttp: false, mayBeLoopback: false }, true],
    ['http://issuer.example/keys', { allowHttp: false, mayBeLoopback: true }, false],
    ['http://issuer.example/keys', { allowHttp: true, mayBeLoopback: false }, true],
    ['http://127.0.0.1/keys', { allowHttp: false, mayBeLoopback: true }, true],
    ['http://127.0.0.1/keys', { allowHttp: false, mayBeLoopback: false }, false],
    ['http://127.0.0.1/keys', { allowHttp: true, mayBeLoopback: false }, true],
    ['file:///etc/passwd', { allowHttp: true, mayBeLoopback: true }, false],
    ['data:application/json,{}', { allowHttp: true, mayBeLoopback: true }, false],
    ['ws://localhost/', { allowHttp: true, mayBeLoopback: true }, false],
    ['/keys', { allowHttp: true, mayBeLoopback: true }, false],
    ['', { allowHttp: true, mayBeLoopback: true }, false],
  ]
  for (const [url, options, expected] of table) {
    t.equal(isSecureUrl(url, options), expected, `${url} ${JSON.stringify(options)}`)
  }
})
