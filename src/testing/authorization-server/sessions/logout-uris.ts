import { requireLogoutUri, type TestClient } from '../tokens/test-accounts.js'

/** Stores the back-channel logout URI of each client that has one. */
export class LogoutUris {
  readonly #clients: readonly [TestClient, ...TestClient[]]
  readonly #uris = new Map<string, string>()

  constructor(clients: readonly [TestClient, ...TestClient[]]) {
    this.#clients = clients
    for (const { clientId, backchannelLogoutUri: uri } of clients) {
      if (uri !== undefined) this.#uris.set(clientId, uri)
    }
  }

  /**
   * Implements `AuthorizationServer.setBackchannelLogoutUri`.
   *
   * @throws {TypeError} if the URI is invalid or the client is unknown.
   */
  set(uri: string | undefined, clientId = this.#clients[0].clientId): void {
    if (!this.#clients.some((client) => client.clientId === clientId)) {
      throw new TypeError('"clientId" must be the ID of a client of this server')
    }
    if (uri === undefined) return void this.#uris.delete(clientId)
    requireLogoutUri('uri', uri)
    this.#uris.set(clientId, uri)
  }

  /** Returns the clients that have a URI, each with its URI. */
  registered(): { client: TestClient; uri: string }[] {
    return this.#clients.flatMap((client) => {
      const uri = this.#uris.get(client.clientId)
      return uri === undefined ? [] : [{ client, uri }]
    })
  }
}
