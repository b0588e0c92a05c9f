/** A known token that is bound to a certificate (RFC 8705), which a proxy passes in a header. */
import { createHash, randomBytes } from 'node:crypto'
import { repeat } from './requests.js'

/** Between the sizes of certificates with elliptic curves and with RSA. */
const CERTIFICATE_BYTES = 800
const CLIENTS = 100

export const servers = {
  async mtls({ app, load, issuer, audience }) {
    const { default: resourceServer } = await load('index.js')
    const certificateSource = { header: 'client-cert', trustedProxies: ['127.0.0.1'] }
    await app.register(resourceServer, { issuer, audience, mtls: { certificateSource } })
  },

  /** The limit: a bearer token. The request has the same header, which the plugin ignores. */
  async bearer({ app, load, issuer, audience }) {
    const { default: resourceServer } = await load('index.js')
    await app.register(resourceServer, { issuer, audience })
  },
}

export function prepare({ issue }) {
  const issuance = issue()
  const clients = Array.from({ length: CLIENTS }, () => {
    const der = certificate()
    const thumbprint = createHash('sha256').update(der).digest('base64url')
    return {
      header: `Client-Cert: :${der.toString('base64')}:`,
      bound: issuance.token({ cnf: { 'x5t#S256': thumbprint } }),
      bearer: issuance.token(),
    }
  })
  return { fixture: { clients }, issuer: issuance.issuer }
}

export const requests = {
  bound: ({ fixture, ...range }) => repeat(fixture.clients, range).map(requestWith('bound')),
  bearer: ({ fixture, ...range }) => repeat(fixture.clients, range).map(requestWith('bearer')),
}

const requestWith = (token) => (client) => ({
  headers: `Authorization: Bearer ${client[token]}\r\n${client.header}\r\n`,
})

/** Returns random bytes in a DER sequence: the plugin hashes a certificate and parses only this. */
function certificate() {
  const length = CERTIFICATE_BYTES - 4
  return Buffer.concat([Buffer.from([0x30, 0x82, length >> 8, length & 255]), randomBytes(length)])
}
