import { BoundedCache } from '../../../base/bounded-cache.js'
import type { TestClient } from '../tokens/test-accounts.js'

/** Each entry has at most 10 redirect URIs of 1,000 characters. */
const MAX_REGISTERED = 500

/**
 * The clients of the server: those of the options, and those that have registered themselves. If
 * there are more than 500 of the latter, the least recently used one is forgotten.
 */
export class Clients {
  readonly #configured: readonly TestClient[]
  readonly #registered = new BoundedCache<string, TestClient>({ max: MAX_REGISTERED })

  constructor(configured: readonly TestClient[]) {
    this.#configured = configured
  }

  find(id: string | undefined): TestClient | undefined {
    if (id === undefined) return undefined
    return this.#configured.find(({ clientId }) => clientId === id) ?? this.#registered.get(id)
  }

  /** The ids of all clients. */
  get ids(): string[] {
    return [...this.#configured.map(({ clientId }) => clientId), ...this.#registered.keys()]
  }

  register(client: TestClient): void {
    this.#registered.set(client.clientId, client)
  }

  /** Whether the client registered itself, so that the operator of the server does not know it. */
  isRegistered({ clientId }: TestClient): boolean {
    return this.#registered.has(clientId)
  }
}
