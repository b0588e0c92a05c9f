/** The token of a request, and what came with it: in the `Authorization` header, or elsewhere. */

import type { FastifyRequest } from 'fastify'
import { headerValues, isToken68 } from '../base/request-headers.js'
import type {
  ClientCertificate,
  ClientCertificates,
} from '../binding/certificate/client-certificate.js'
import type { Presentation, Scheme } from '../binding/presentation.js'
import {
  bearerCredentials,
  dpopCredentials,
  malformedHeader,
  singleAuthorization,
} from '../credentials/authorization.js'
import { requireAllHeaders } from '../credentials/whole-headers.js'
import { applicationFailure } from '../errors/application-function.js'
import { InvalidTokenError, MissingCredentialsError } from '../errors/errors.js'
import { suppressRejection } from '../errors/result.js'
import type { WarnOnce } from '../observability/reports.js'
import type { Core } from '../server/assembly.js'
import type { ResolvedPluginOptions } from './plugin-options.js'
import { RequestTargets } from './request-target.js'

export class RequestCredentials {
  readonly #extractToken: ResolvedPluginOptions['extractToken']
  readonly #targets: RequestTargets
  readonly #certificates: ClientCertificates | undefined
  readonly #warn: WarnOnce

  constructor(
    { extractToken }: Pick<ResolvedPluginOptions, 'extractToken'>,
    { baseUrls, certificates, warnOnce }: Pick<Core, 'baseUrls' | 'certificates' | 'warnOnce'>,
  ) {
    this.#extractToken = extractToken
    this.#targets = new RequestTargets(baseUrls, warnOnce)
    this.#certificates = certificates
    this.#warn = warnOnce
  }

  /**
   * The one `Authorization` header, where the token is not looked for somewhere else. Asked first, so
   * this is where a request is refused of which Node may have dropped a part.
   */
  authorization(request: FastifyRequest): string | undefined {
    requireAllHeaders(request.raw, request.server.server)
    return this.#extractToken === undefined ? singleAuthorization(request.raw) : undefined
  }

  /**
   * The token that is sent as a bearer token, or that the application finds somewhere else, where no
   * scheme is; `undefined` where there is none.
   *
   * @param schemes that the route accepts, for the error.
   */
  bearer(
    request: FastifyRequest,
    authorization: string | undefined,
    schemes: string,
  ): string | undefined {
    if (authorization !== undefined) return bearerCredentials(authorization, schemes)
    if (this.#extractToken === undefined) return undefined
    let token: unknown
    try {
      token = suppressRejection(this.#extractToken(request) ?? '')
    } catch (thrown) {
      throw applicationFailure('extractToken', thrown)
    }
    if (typeof token === 'string') return token === '' ? undefined : token
    throw new TypeError('"extractToken" must return a string or undefined, and not a promise')
  }

  /** The token that is sent with the scheme `DPoP`. */
  dpop(authorization: string | undefined, schemes: string): string | undefined {
    return authorization === undefined ? undefined : dpopCredentials(authorization, schemes)
  }

  /** Returns the rejection of a request without a token. */
  missing(schemes: string): MissingCredentialsError {
    return new MissingCredentialsError(
      this.#extractToken === undefined ? schemes : 'a token, returned by "extractToken"',
    )
  }

  /**
   * What may prove whose the token is. Made for tokens that are bound, and no others. What only one
   * kind of proof needs is looked for when it is asked for.
   */
  presentation(request: FastifyRequest, scheme: Scheme): Presentation {
    const proofs = dpopProofs(request)
    const isFromElsewhere = this.#extractToken !== undefined
    const targets = this.#targets
    const certificate = () => this.#certificates?.of(request.raw)
    const expectedCertificate = () => this.#expected(certificate())
    return {
      scheme: isFromElsewhere && proofs.length > 0 ? 'DPoP' : scheme,
      method: request.method,
      proofs,
      get targetUris() {
        return targets.of(request)
      },
      get certificateThumbprint() {
        return certificate()?.thumbprint
      },
      get expectedCertificate() {
        return expectedCertificate()
      },
    }
  }

  /** Logged, because a mistake of the configuration has every such token rejected. */
  #expected(certificate: ClientCertificate | undefined): string | undefined {
    if (certificate?.expected === undefined) return undefined
    this.#warn(`certificate-bound tokens rejected: expected ${certificate.expected}`)
    return certificate.expected
  }

  /** For the challenge: the scheme of a request that was refused. */
  schemeUsed(request: FastifyRequest): Scheme | undefined {
    if (this.#extractToken !== undefined) {
      return dpopProofs(request).length > 0 ? 'DPoP' : 'Bearer'
    }
    const { headers } = request.raw
    const authorization = Object.hasOwn(headers, 'authorization') ? `${headers.authorization}` : ''
    if (/^dpop(?:[ \t]|$)/i.test(authorization)) return 'DPoP'
    return /^bearer(?:[ \t]|$)/i.test(authorization) ? 'Bearer' : undefined
  }

  /**
   * What isn't even a token to HTTP is a malformed request, and not a bad token. Looked at last,
   * because it costs more than to find a known token.
   */
  reasonFor(refused: unknown, { raw }: FastifyRequest, schemes: string): unknown {
    if (this.#extractToken !== undefined) return refused
    if (!(refused instanceof InvalidTokenError) || refused.check !== 'token') return refused
    const authorization = singleAuthorization(raw) as string
    const token =
      bearerCredentials(authorization, schemes) ?? dpopCredentials(authorization, schemes)
    return isToken68(token as string) ? refused : malformedHeader(schemes)
  }
}

/** Returns the DPoP proofs of a request (RFC 9449 §4.1): one value for each `DPoP` header. */
function dpopProofs({ raw }: FastifyRequest): readonly string[] {
  return headerValues(raw.rawHeaders, 'dpop')
}
