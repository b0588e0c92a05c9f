/** What one case needs for one subject, and its end. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthorizationServer } from 'fastify-resource-server/testing'
import { Api } from './api.js'
import { keySetMirror } from './key-set-mirror.js'

/** Tokens outlive every outage here: the keys are the matter. */
const LIFETIME = 30 * 86_400

export class Stage {
  /** `ours` or `jose`. */
  subject
  #ends = []
  #over = false

  constructor(subject) {
    this.subject = subject
  }

  get isOurs() {
    return this.subject === 'ours'
  }

  async issuer(options = {}) {
    const issuer = await createAuthorizationServer({
      accessTokenLifetime: LIFETIME,
      algorithm: 'ES256',
      ...options,
    })
    return this.#until(() => issuer.close(), issuer)
  }

  /** The key set of the issuer, late; `publish()` brings it up to date. */
  async mirror(issuer) {
    const mirror = await keySetMirror(issuer)
    return this.#until(() => mirror.stop(), mirror)
  }

  /**
   * An API that trusts the issuer. We discover the key set unless told where it is; jose can't.
   *
   * @param options.still whether its clock stands still but for `advance`.
   * @param options.jwks ours alone.
   * @param options.ownProcess one that nothing was done in before, and that ends with the API.
   */
  async api(issuer, { jwksUri, ...options } = {}) {
    const api = new Api(this.subject, {
      issuer: issuer.issuer,
      audience: issuer.audience,
      jwksUri: this.isOurs ? jwksUri : (jwksUri ?? issuer.jwksUri),
      ...options,
    })
    this.#until((how) => api.stop(how), api)
    await api.start()
    return api
  }

  async folder() {
    const folder = await mkdtemp(join(tmpdir(), 'fault-suite-'))
    return this.#until(() => rm(folder, { recursive: true, force: true }), folder)
  }

  /** @param how `inPeace`, or at once and whatever is under way. */
  async strike(how) {
    this.#over = true
    for (const end of this.#ends.toReversed()) await end(how)
  }

  #until(end, what) {
    // A case that took too long may still go on.
    if (this.#over) {
      end({ inPeace: false })
      throw new Error('the stage is struck')
    }
    this.#ends.push(end)
    return what
  }
}
