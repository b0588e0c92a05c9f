/** P6: tokens that are bound to a client's certificate (RFC 8705 §3, RFC 9440). */
import { type Check, rule } from '../check.js'
import type { Api } from '../stage/api.js'
import { expectAnswer, expectRefused, expectTaken } from '../stage/expect.js'

function boundTo(api: Api, { thumbprint }: { thumbprint: string }): string {
  return api.forge({ claims: { cnf: { 'x5t#S256': thumbprint } } })
}

function header({ der }: { der: Buffer }): string {
  return `client-cert: :${der.toString('base64')}:`
}

export const mtls: readonly Check[] = [
  rule(
    'P6',
    'RFC 8705 §3',
    'MUST',
    'A certificate-bound token is accepted only with its certificate',
    ['mtls'],
    async ({ api, properties }) => {
      const { mine } = properties.certificates
      const token = boundTo(api, mine)
      expectTaken(await api.present(token, { lines: [header(mine)] }), 'its certificate')
      const wanted = { status: 401, error: 'invalid_token' }
      expectAnswer(
        await api.present(token, { lines: [header(properties.certificates.others)] }),
        wanted,
        'another certificate',
      )
      expectRefused(await api.present(token), 'no certificate')
    },
  ),

  rule(
    'P6',
    'RFC 9440 §4',
    'MUST',
    'Two certificates, or a header without one, are rejected',
    ['mtls'],
    async ({ api, properties }) => {
      const { mine } = properties.certificates
      const token = boundTo(api, mine)
      for (const [what, lines] of Object.entries({
        'two headers': [header(mine), header(mine)],
        'an empty header': ['client-cert:'],
        'no base64': ['client-cert: :*:'],
        'no certificate': ['client-cert: :AAAA:'],
      })) {
        expectRefused(await api.present(token, { lines }), what)
      }
    },
  ),

  rule(
    'P6',
    'RFC 9440 §4',
    'MUST',
    'A certificate header from the caller is ignored',
    ['mtls', 'proxy'],
    async ({ api, properties }) => {
      const { mine } = properties.certificates
      const answer = await api.present(boundTo(api, mine), {
        lines: [header(mine)],
        // Another address of this machine, which is no proxy's.
        from: '127.0.0.2',
      })
      expectRefused(answer, 'a header from elsewhere than the proxy')
    },
  ),

  rule(
    'P6',
    'RFC 8705 §3',
    'ours',
    'If certificates are off, a certificate-bound token is rejected',
    ['jwt', 'mtls-off'],
    async ({ api, properties }) => {
      const { mine } = properties.certificates
      const token = boundTo(api, mine)
      expectRefused(await api.present(token), 'a bound token')
      expectRefused(await api.present(token, { lines: [header(mine)] }), 'one with a header')
    },
  ),
]
