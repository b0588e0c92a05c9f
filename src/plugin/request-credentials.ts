/** Reads the token of a request, from the `Authorization` header or elsewhere, and its proofs. */

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
import { rejectTruncatedHeaders } from '../credentials/truncated-headers.js'
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
   * Returns the single `Authorization` header; `undefined` with "extractToken". Runs first, and so
   * rejects requests of which Node may have dropped headers.
   *
   * @throws {InvalidRequestError} if headers may be missing, or there are several of this one.
   */
  authorization(request: FastifyRequest): string | undefined {
    rejectTruncatedHeaders(request.raw, request.server.server)
    return this.#extractToken === undefined ? singleAuthorization(request.raw) : undefined
  }

  /**
   * Returns the token of the scheme `Bearer`, or the one that "extractToken" returns, which has no
   * scheme; `undefined` if there is none.
   *
   * @param schemes accepted by the route, for the error.
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
    throw new TypeError('"extractToken" must return a string, null or undefined, not a promise')
  }

  /** Returns the token of the scheme `DPoP`, if there is one. */
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
   * Returns the inputs for proof of possession. Called for sender-constrained tokens only; getters
   * compute lazily what only one type of proof needs.
   */
  presentation(request: FastifyRequest, scheme: Scheme): Presentation {
    const proofs = dpopProofs(request)
    const isFromElsewhere = this.#extractToken !== undefined
    const targets = this.#targets
    const certificate = () => this.#certificates?.certificateOf(request.raw)
    const expectedCertificate = () => this.#expected(certificate())
    return {
      scheme: isFromElsewhere && proofs.length > 0 ? 'DPoP' : scheme,
      method: request.method,
      proofs,
      get targetUris() {
        return targets.targetUrisOf(request)
      },
      get certificateThumbprint() {
        return certificate()?.thumbprint
      },
      get expectedCertificate() {
        return expectedCertificate()
      },
    }
  }

  /** Logs a misconfiguration, because it causes every certificate-bound token to be rejected. */
  #expected(certificate: ClientCertificate | undefined): string | undefined {
    if (certificate?.expected === undefined) return undefined
    this.#warn(`certificate-bound tokens rejected: expected ${certificate.expected}`)
    return certificate.expected
  }

  /** Returns the scheme of a rejected request, for the challenge. */
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
   * Returns the error to reject with: credentials that are not token68 (RFC 9110 §11.2) are a
   * malformed request, not an invalid token. Checked only after a rejection, because the check
   * costs more than looking up a cached token.
   */
  errorFor(error: unknown, { raw }: FastifyRequest, schemes: string): unknown {
    if (this.#extractToken !== undefined) return error
    if (!(error instanceof InvalidTokenError) || error.check !== 'token') return error
    const authorization = singleAuthorization(raw) as string
    const token =
      bearerCredentials(authorization, schemes) ?? dpopCredentials(authorization, schemes)
    return isToken68(token as string) ? error : malformedHeader(schemes)
  }
}

/** Returns the DPoP proofs of a request (RFC 9449 §4.1): one value for each `DPoP` header. */
function dpopProofs({ raw }: FastifyRequest): readonly string[] {
  return headerValues(raw.rawHeaders, 'dpop')
}
