import { rejectUnknownOptions } from '../../known-options.js'
import { type HttpResponse, notFound } from '../http/http-response.js'
import { addRoute, type Routes } from '../http/router.js'
import { basePath, type ServerSettings } from '../options.js'
import type { SigningKeys } from '../tokens/signing-keys.js'
import type { Locations } from './metadata.js'

/** Options of `AuthorizationServer.moveKeySet`. */
export interface MoveOptions {
  /**
   * Whether the former URL serves the keys that were published at the time of the move. Later
   * rotations do not change its response. Default false: the former URL returns 404.
   */
  keepOld?: boolean | undefined
}

/**
 * Serves the key set: at `{issuer}/v1/keys`, and after each move at `{issuer}/v1/keys-2`,
 * `{issuer}/v1/keys-3` and so on.
 */
export class KeySetLocation {
  readonly #routes: Routes
  readonly #locations: Locations
  readonly #settings: ServerSettings
  readonly #keys: SigningKeys
  #path: string
  #number = 1

  constructor(routes: Routes, locations: Locations, settings: ServerSettings, keys: SigningKeys) {
    this.#routes = routes
    this.#locations = locations
    this.#settings = settings
    this.#keys = keys
    this.#path = `${basePath(settings.issuerPath)}/v1/keys`
    this.#serve(() => this.#keySetResponse(keys.keySet()))
  }

  /**
   * Moves the key set and returns its new URL, which the metadata contains from now on.
   *
   * @throws {TypeError} if an option is unknown or invalid.
   */
  move(options: MoveOptions = {}): string {
    rejectUnknownOptions('moveKeySet', options, ['keepOld'])
    const { keepOld = false } = options
    if (typeof keepOld !== 'boolean') throw new TypeError('"keepOld" must be true or false')
    const frozen = this.#keySetResponse(this.#keys.keySet())
    this.#serve(keepOld ? () => frozen : notFound)
    this.#number += 1
    this.#path = `${basePath(this.#settings.issuerPath)}/v1/keys-${this.#number}`
    this.#serve(() => this.#keySetResponse(this.#keys.keySet()))
    this.#locations.jwksUri = new URL(this.#path, this.#locations.issuer).href
    return this.#locations.jwksUri
  }

  #serve(handle: () => HttpResponse): void {
    const methods = ['GET', 'HEAD']
    addRoute(this.#routes, this.#path, { name: 'jwks', methods, crossOrigin: true, handle })
  }

  #keySetResponse(body: object): HttpResponse {
    const { keySetMaxAge } = this.#settings
    return { status: 200, headers: { 'cache-control': `public, max-age=${keySetMaxAge}` }, body }
  }
}
