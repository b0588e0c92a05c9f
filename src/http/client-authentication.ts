/**
 * Authenticates a client at an authorization server (RFC 6749 §2.3, RFC 7523 §2.2). The client is
 * this API when it introspects tokens, and the testing kit or the command line when it requests
 * tokens.
 */
import { types } from 'node:util'
import type { CryptoKey, JWK } from 'jose'
// `importJWK` comes from this entry, because the main entry of jose takes longer to load than this
// whole package.
import { importJWK } from 'jose/key/import'
import {
  type ClientAuth,
  ClientSecretPost,
  modifyAssertion,
  None,
  PrivateKeyJwt,
} from 'oauth4webapi'

/**
 * Client authentication methods. The names are registered with IANA (RFC 7591 §4.2), except
 * `client_secret_basic_raw` and `private_key_jwt_untyped`.
 *
 * - `client_secret_basic`: HTTP Basic; id and secret are form-encoded first (RFC 6749 §2.3.1).
 * - `client_secret_basic_raw`: HTTP Basic without form encoding, for servers that do not decode it.
 *   Identical to `client_secret_basic` if id and secret consist of ASCII letters, digits and
 *   `-_.*`.
 * - `client_secret_post`: id and secret in the request body.
 * - `private_key_jwt`: a JWT that is signed with the client's private key and valid for a minute.
 *   Its `aud` is the issuer identifier and its `typ` is `client-authentication+jwt`
 *   (draft-ietf-oauth-rfc7523bis §4).
 * - `private_key_jwt_untyped`: the same JWT without `typ`, for servers that reject this `typ`.
 * - `none`: a public client, which sends only its id.
 */
export type ClientAuthentication =
  | 'client_secret_basic'
  | 'client_secret_basic_raw'
  | 'client_secret_post'
  | 'private_key_jwt'
  | 'private_key_jwt_untyped'
  | 'none'

export interface ClientCredentials {
  clientId: string
  clientSecret?: string | undefined
  privateKey?: CryptoKey | JWK | undefined
  clientAuthentication?: ClientAuthentication | undefined
}

/**
 * Returns the client authentication for oauth4webapi. The default method is `client_secret_basic`
 * for a client with a secret, `private_key_jwt` for a client with a private key, otherwise `none`.
 *
 * @throws {TypeError} if an option is missing, superfluous or unusable; the message names it.
 */
export async function clientAuthentication(client: ClientCredentials): Promise<ClientAuth> {
  const { clientSecret, privateKey } = client
  if (clientSecret !== undefined && privateKey !== undefined) {
    throw new TypeError('"clientSecret" and "privateKey" are mutually exclusive: set one of them')
  }
  const method = client.clientAuthentication ?? defaultMethod(client)
  switch (method) {
    case 'client_secret_basic':
      return basic(
        formEncoded(client.clientId),
        formEncoded(needed('clientSecret', clientSecret, method)),
      )
    case 'client_secret_basic_raw':
      return rawBasic(client.clientId, needed('clientSecret', clientSecret, method))
    case 'client_secret_post':
      return ClientSecretPost(needed('clientSecret', clientSecret, method))
    case 'private_key_jwt':
      return typedAssertion(needed('privateKey', privateKey, method))
    case 'private_key_jwt_untyped':
      return signedAssertion(needed('privateKey', privateKey, method))
    case 'none':
      if (clientSecret !== undefined || privateKey !== undefined) {
        throw new TypeError(
          '"clientAuthentication" is "none", which sends neither "clientSecret" nor "privateKey": remove them or choose another method',
        )
      }
      return None()
    default:
      throw new TypeError(
        '"clientAuthentication" must be client_secret_basic, client_secret_basic_raw, client_secret_post, private_key_jwt, private_key_jwt_untyped or none',
      )
  }
}

function defaultMethod({ clientSecret, privateKey }: ClientCredentials): ClientAuthentication {
  if (clientSecret !== undefined) return 'client_secret_basic'
  return privateKey === undefined ? 'none' : 'private_key_jwt'
}

function needed<T>(option: string, value: T | undefined, method: string): T {
  if (value === undefined) {
    throw new TypeError(
      `"${option}" is missing: "clientAuthentication" is "${method}", which requires it`,
    )
  }
  return value
}

function rawBasic(clientId: string, clientSecret: string): ClientAuth {
  if (clientId.includes(':')) {
    throw new TypeError(
      '"clientId" contains a colon, which "client_secret_basic_raw" cannot send: use client_secret_basic or client_secret_post',
    )
  }
  return basic(clientId, clientSecret)
}

/**
 * Form-encodes a client id or secret (RFC 6749 appendix B). Unlike oauth4webapi's
 * ClientSecretBasic, this function leaves `-`, `_` and `.` unescaped: the decoded value is the
 * same, and servers that do not decode also accept ids and secrets with these characters, such as
 * those that Okta generates.
 */
function formEncoded(value: string): string {
  return new URLSearchParams({ value }).toString().slice('value='.length)
}

function basic(id: string, secret: string): ClientAuth {
  const credentials = Buffer.from(`${id}:${secret}`).toString('base64')
  return (_as, _client, _body, headers) => headers.set('authorization', `Basic ${credentials}`)
}

/**
 * Returns an authentication with the `typ` of draft-ietf-oauth-rfc7523bis §4. The `typ` states that
 * `aud` is the issuer identifier. So an assertion for the token endpoint, which stands for an
 * unknown issuer, has no `typ`.
 */
async function typedAssertion(privateKey: CryptoKey | JWK): Promise<ClientAuth> {
  const typed = await signedAssertion(privateKey, 'client-authentication+jwt')
  const untyped = await signedAssertion(privateKey)
  return (as, ...request) => (as.issuer === as.token_endpoint ? untyped : typed)(as, ...request)
}

async function signedAssertion(privateKey: CryptoKey | JWK, typ?: string): Promise<ClientAuth> {
  if (types.isCryptoKey(privateKey)) {
    if (privateKey.type !== 'private' || !privateKey.usages.includes('sign')) throw unusableKey()
    return PrivateKeyJwt(privateKey, { [modifyAssertion]: (header) => setMembers(header, { typ }) })
  }
  const { alg, kid, d, priv = d } = privateKey ?? {}
  if (typeof alg !== 'string' || typeof priv !== 'string') throw unusableKey()
  const key = await importJWK(privateKey, alg).catch(() => undefined)
  if (!types.isCryptoKey(key) || !key.usages.includes('sign')) throw unusableKey()
  return PrivateKeyJwt(
    { key, ...(kid !== undefined && { kid }) },
    {
      // oauth4webapi writes "Ed25519" for every Ed25519 key, even if "alg" of the JWK is the older
      // name "EdDSA" (RFC 9864). The server compares "alg" with the name that is registered for the
      // client.
      [modifyAssertion]: (header) => setMembers(header, { alg, typ }),
    },
  )
}

function setMembers(header: object, members: Record<string, string | undefined>): void {
  // JSON.stringify() omits a member that is undefined.
  Object.assign(header, members)
}

function unusableKey(): TypeError {
  return new TypeError(
    '"privateKey" must be a private CryptoKey with the usage "sign", or a private JWK whose "alg" names an asymmetric signature algorithm',
  )
}
