/**
 * Reads the token of a request, from the `Authorization` header or with `extractToken`, and the
 * proofs of possession.
 */

import type { FastifyRequest } from 'fastify'
import { headerValues, isToken68 } from '../base/request-headers.js'
import type { ClientCertificates } from '../binding/certificate/client-certificate.js'
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
  readonly #sources: ProofSources

  constructor(
    { extractToken }: Pick<ResolvedPluginOptions, 'extractToken'>,
    { baseUrls, certificates, warnOnce }: Pick<Core, 'baseUrls' | 'certificates' | 'warnOnce'>,
  ) {
    this.#extractToken = extractToken
    this.#sources = { targets: new RequestTargets(baseUrls, warnOnce), certificates, warnOnce }
  }

  /**
   * Returns the single `Authorization` header; `undefined` if it is absent, or if "extractToken" is
   * set. Call this method before the others, because it rejects requests of which Node may have
   * dropped headers.
   *
   * @throws {InvalidRequestError} if Node may have dropped headers, or if there are several
   *   `Authorization` headers.
   */
  authorization(request: FastifyRequest): string | undefined {
    rejectTruncatedHeaders(request.raw, request.server.server)
    return this.#extractToken === undefined ? singleAuthorization(request.raw) : undefined
  }

  /**
   * Returns the token of the scheme `Bearer` or, if "extractToken" is set, the token that this
   * function returns; `undefined` if there is no such token.
   *
   * @param schemes the schemes that the route accepts, for the error.
   * @throws {InvalidRequestError} if nothing follows the scheme.
   * @throws {TypeError} if "extractToken" returns neither a string nor `null` or `undefined`.
   * @throws {Error} if "extractToken" throws; see {@link applicationFailure}.
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

  /**
   * Returns the token of the scheme `DPoP`; `undefined` for any other scheme.
   *
   * @throws {InvalidRequestError} if nothing follows the scheme.
   */
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
   * Returns the inputs for the verification of proof of possession, for requests for which
   * `Binding.needsNoProof` is false.
   */
  presentation(request: FastifyRequest, scheme: Scheme): Presentation {
    const proofs = dpopProofs(request)
    const isFromElsewhere = this.#extractToken !== undefined
    const usedScheme = isFromElsewhere && proofs.length > 0 ? 'DPoP' : scheme
    return new RequestPresentation(request, usedScheme, proofs, this.#sources)
  }

  /**
   * Returns the scheme of a rejected request, `Bearer` or `DPoP`, for the challenge; `undefined` if
   * the Authorization header is absent or has another scheme. With "extractToken", a request with a
   * DPoP proof counts as `DPoP`, any other as `Bearer`.
   */
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
   * Returns the error to reject the request with. Credentials that are not token68 (RFC 9110 §11.2)
   * make the request malformed, not the token invalid. Their syntax is checked only after a
   * rejection, because the check costs more than looking up a cached token.
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

/** The parts of the server that determine the URLs and the certificate of a request. */
interface ProofSources {
  readonly targets: RequestTargets
  readonly certificates: ClientCertificates | undefined
  readonly warnOnce: WarnOnce
}

/** Computes the URLs and the certificate only if the verification reads them. */
class RequestPresentation implements Presentation {
  readonly scheme: Scheme
  readonly method: string
  readonly proofs: readonly string[]
  readonly #request: FastifyRequest
  readonly #sources: ProofSources

  constructor(
    request: FastifyRequest,
    scheme: Scheme,
    proofs: readonly string[],
    sources: ProofSources,
  ) {
    this.scheme = scheme
    this.method = request.method
    this.proofs = proofs
    this.#request = request
    this.#sources = sources
  }

  get targetUris(): readonly string[] {
    return this.#sources.targets.targetUrisOf(this.#request)
  }

  get certificateThumbprint(): string | undefined {
    return this.#sources.certificates?.certificateOf(this.#request.raw).thumbprint
  }

  /**
   * Describes what is missing if the request has no usable certificate; `undefined` if it has one, or
   * if no source of certificates is configured. Also logs once what is missing, because the cause
   * may be a misconfiguration that affects every certificate-bound token.
   */
  get expectedCertificate(): string | undefined {
    const expected = this.#sources.certificates?.certificateOf(this.#request.raw).expected
    if (expected === undefined) return undefined
    this.#sources.warnOnce(`certificate-bound tokens rejected: expected ${expected}`)
    return expected
  }
}
