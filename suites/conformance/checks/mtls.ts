/** P6: certificate-bound tokens (RFC 8705 §3, RFC 9440). */
import { type Check, rule } from '../check.js'
import type { Api } from '../harness/api.js'
import { expectAccepted, expectChallenge, expectRejected } from '../harness/expect.js'

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
    async ({ api, credentials }) => {
      const { mine } = credentials.certificates
      const token = boundTo(api, mine)
      expectAccepted(await api.present(token, { lines: [header(mine)] }), 'its certificate')
      const wanted = { status: 401, error: 'invalid_token' }
      expectChallenge(
        await api.present(token, { lines: [header(credentials.certificates.others)] }),
        wanted,
        'another certificate',
      )
      expectRejected(await api.present(token), 'no certificate')
    },
  ),

  rule(
    'P6',
    'RFC 9440 §4',
    'MUST',
    'Two certificates, or a header without one, are rejected',
    ['mtls'],
    async ({ api, credentials }) => {
      const { mine } = credentials.certificates
      const token = boundTo(api, mine)
      for (const [what, lines] of Object.entries({
        'two headers': [header(mine), header(mine)],
        'an empty header': ['client-cert:'],
        'no base64': ['client-cert: :*:'],
        'no certificate': ['client-cert: :AAAA:'],
      })) {
        expectRejected(await api.present(token, { lines }), what)
      }
    },
  ),

  rule(
    'P6',
    'RFC 9440 §4',
    'MUST',
    'A certificate header from the caller is ignored',
    ['mtls', 'proxy'],
    async ({ api, credentials }) => {
      const { mine } = credentials.certificates
      const response = await api.present(boundTo(api, mine), {
        lines: [header(mine)],
        // A loopback address that is not a trusted proxy.
        from: '127.0.0.2',
      })
      expectRejected(response, 'a header that no trusted proxy sent')
    },
  ),

  rule(
    'P6',
    'RFC 8705 §3',
    'ours',
    'If certificates are off, a certificate-bound token is rejected',
    ['jwt', 'mtls-off'],
    async ({ api, credentials }) => {
      const { mine } = credentials.certificates
      const token = boundTo(api, mine)
      expectRejected(await api.present(token), 'a bound token')
      expectRejected(
        await api.present(token, { lines: [header(mine)] }),
        'a bound token with a header',
      )
    },
  ),
]
