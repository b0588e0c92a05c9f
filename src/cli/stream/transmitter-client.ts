/** Manages the streams of a receiver at one transmitter (SSF 1.0 §8.1). */
import { isJsonObject } from '../../base/json-object.js'
import { ownMember } from '../../base/plain-object.js'
import { failureText } from '../../errors/failure-text.js'
import { DeadlineError, withinDeadline } from '../../http/deadline.js'
import { DiscoveryError } from '../../http/discovery.js'
import { NoResponseError, UnexpectedResponseError } from '../../http/fetch-json.js'
import { redactor } from '../../http/redaction.js'
import { isSecureUrl } from '../../http/secure-url.js'
import {
  discoverStreamManagement,
  type StreamManagementMetadata,
} from '../../http/transmitter-metadata.js'
import { CommandError, ExitCode } from '../exit-code.js'
import { printableJson } from '../printable.js'
import { POLL, readConfiguration, type StreamConfiguration } from './stream-configuration.js'
import { requestTransmitter, type TransmitterRequest } from './transmitter-request.js'

export interface TransmitterClientOptions {
  readonly issuer: string
  /** Timeout of each method, in milliseconds. */
  readonly timeout: number
  /** Whether the endpoints may be plain http on hosts other than loopback. */
  readonly allowHttp: boolean
}

/** The members of a request to create a stream (SSF 1.0 §8.1.1.1). */
export interface StreamRequest {
  readonly delivery: { readonly method: string; readonly [name: string]: string }
  readonly events_requested: readonly string[]
  readonly description?: string
}

export interface NewStream {
  readonly configuration: StreamConfiguration
  readonly audience: string | readonly string[]
  /** The URL that the API polls; empty if the transmitter pushes the events. */
  readonly pollUrl: string
}

export interface ReportedStatus {
  readonly stream_id: string
  readonly status: string
  readonly reason?: string
}

type ManagementEndpoint = 'configurationEndpoint' | 'statusEndpoint' | 'verificationEndpoint'

const MEMBERS: Readonly<Record<ManagementEndpoint, string>> = {
  configurationEndpoint: 'configuration_endpoint',
  statusEndpoint: 'status_endpoint',
  verificationEndpoint: 'verification_endpoint',
}

/** Maximum size of the metadata, in bytes. */
const MAX_METADATA_BYTES = 65_536

const CHECK_ISSUER =
  'Check --issuer: it must be exactly the "issuer" in the metadata of the transmitter'
const TRY_LATER = 'Try again later'
const LIST = 'check with stream list'

const CREDENTIALS = {
  401: 'Get a new access token for the transmitter, for the client that owns the stream',
  403: 'The client or the scope of the access token may not manage this stream: see the documentation of the transmitter for the scope',
}
const UNKNOWN_STREAM = {
  ...CREDENTIALS,
  404: 'Run stream list for the IDs of the streams of this client',
}

/** Each method throws a {@link CommandError} without secrets if the transmitter does not succeed. */
export class TransmitterClient {
  readonly #options: TransmitterClientOptions

  constructor(options: TransmitterClientOptions) {
    this.#options = options
  }

  get issuer(): string {
    return this.#options.issuer
  }

  /** @param secrets the secrets in the request, of which nothing is returned. */
  async create(
    request: StreamRequest,
    secrets: { readonly accessToken: string; readonly authorization: string | undefined },
  ): Promise<NewStream> {
    const { accessToken, authorization } = secrets
    const redact = redactor(
      [accessToken, ...(authorization === undefined ? [] : [authorization])],
      '',
    )
    const body = await this.#request('configurationEndpoint', `The stream may exist: ${LIST}`, {
      method: 'POST',
      document: request,
      accessToken,
      redact,
      check: (metadata) => requireDelivery(request.delivery.method, metadata),
      advice: {
        ...CREDENTIALS,
        409: 'The transmitter allows one stream for each client: run stream list, and delete the stream that your API no longer uses',
      },
    })
    const configuration = readConfiguration(body, redact)
    return this.#newStream(configuration, request.delivery.method)
  }

  async list(accessToken: string): Promise<readonly StreamConfiguration[]> {
    const redact = redactor([accessToken], '')
    const body = await this.#request('configurationEndpoint', TRY_LATER, {
      method: 'GET',
      accessToken,
      redact,
      advice: CREDENTIALS,
    })
    // Before SSF 1.0, a transmitter responded with the only stream, instead of an array.
    const streams = (Array.isArray(body) ? body : [body]).map((one) =>
      readConfiguration(one, redact),
    )
    if (streams.every((one) => one !== undefined)) return streams
    throw this.#invalid('lists a stream without "stream_id"')
  }

  async status(streamId: string, accessToken: string): Promise<ReportedStatus> {
    const redact = redactor([accessToken], '')
    const body = await this.#request('statusEndpoint', TRY_LATER, {
      method: 'GET',
      streamId,
      accessToken,
      redact,
      advice: UNKNOWN_STREAM,
    })
    const [status, reason] = ['status', 'reason'].map((name) =>
      isJsonObject(body) ? ownMember(body, name) : undefined,
    )
    if (typeof status !== 'string') throw this.#invalid('responded without "status"')
    return {
      stream_id: streamId,
      status: redact(status),
      ...(typeof reason === 'string' && { reason: redact(reason) }),
    }
  }

  /** Requests a verification event, which the transmitter sends later (SSF 1.0 §8.1.4.2). */
  async verify(streamId: string, accessToken: string): Promise<void> {
    await this.#request('verificationEndpoint', TRY_LATER, {
      method: 'POST',
      document: { stream_id: streamId },
      accessToken,
      redact: redactor([accessToken], ''),
      advice: UNKNOWN_STREAM,
    })
  }

  async delete(streamId: string, accessToken: string): Promise<void> {
    await this.#request('configurationEndpoint', `The stream may be deleted: ${LIST}`, {
      method: 'DELETE',
      streamId,
      accessToken,
      redact: redactor([accessToken], ''),
      advice: UNKNOWN_STREAM,
    })
  }

  /**
   * Discovers the endpoint, and sends the request.
   *
   * @param hint what to do if it is unknown whether the transmitter acted on the request.
   */
  async #request(
    name: ManagementEndpoint,
    hint: string,
    {
      streamId,
      check,
      ...request
    }: Omit<TransmitterRequest, 'url' | 'signal'> & {
      readonly streamId?: string
      readonly check?: (metadata: StreamManagementMetadata) => void
    },
  ): Promise<unknown> {
    const { issuer, timeout, allowHttp } = this.#options
    let advice = CHECK_ISSUER
    try {
      return await withinDeadline(
        async (signal) => {
          const metadata = await discoverStreamManagement(issuer, {
            fetch,
            signal,
            allowHttp,
            maxBytes: MAX_METADATA_BYTES,
          })
          const endpoint = requireEndpoint(name, metadata)
          check?.(metadata)
          advice = hint
          return requestTransmitter({ ...request, signal, url: withStream(endpoint, streamId) })
        },
        { timeout },
      )
    } catch (error) {
      if (!isUnavailable(error)) throw error
      throw new CommandError(ExitCode.unavailable, `${failureText(error)}\n${advice}`)
    }
  }

  /** Returns the new stream. @throws {CommandError} if the API cannot use the configuration. */
  #newStream(configuration: StreamConfiguration | undefined, method: string): NewStream {
    const { issuer, allowHttp } = this.#options
    if (configuration === undefined) {
      throw this.#invalid(
        `created a stream, but responded without "stream_id". To delete it, ${LIST}`,
      )
    }
    const { stream_id: id, iss, aud, delivery } = configuration
    const created = (problem: string) =>
      this.#invalid(
        `created the stream ${printableJson(id)}, but ${problem}. Delete the stream with stream delete`,
      )
    if (iss !== undefined && iss !== issuer) {
      throw created(`its tokens are those of another issuer, ${printableJson(iss)}`)
    }
    if (aud === undefined || aud.length === 0) throw created('responded without "aud"')
    if (method !== POLL) return { configuration, audience: aud, pollUrl: '' }
    const pollUrl = delivery?.endpoint_url
    const mayBeLoopback = new URL(issuer).protocol === 'http:'
    if (pollUrl !== undefined && isSecureUrl(pollUrl, { allowHttp, mayBeLoopback })) {
      return { configuration, audience: aud, pollUrl }
    }
    throw created('the "endpoint_url" to poll is missing or no https URL')
  }

  #invalid(problem: string): CommandError {
    return new CommandError(ExitCode.unavailable, `the transmitter ${problem}`)
  }
}

function requireEndpoint(name: ManagementEndpoint, metadata: StreamManagementMetadata): string {
  const endpoint = metadata[name]
  if (endpoint !== undefined) return endpoint
  throw new CommandError(
    ExitCode.rejected,
    `the metadata of the transmitter has no "${MEMBERS[name]}": use its administration instead`,
  )
}

function requireDelivery(method: string, { deliveryMethods }: StreamManagementMetadata): void {
  if (deliveryMethods === undefined || deliveryMethods.includes(method)) return
  throw new CommandError(
    ExitCode.rejected,
    method === POLL
      ? 'the transmitter does not support polling: use --push URL'
      : 'the transmitter does not support push: use --poll',
  )
}

function withStream(endpoint: string, streamId: string | undefined): string {
  if (streamId === undefined) return endpoint
  const url = new URL(endpoint)
  url.searchParams.set('stream_id', streamId)
  return url.href
}

function isUnavailable(error: unknown): boolean {
  return [DeadlineError, DiscoveryError, NoResponseError, UnexpectedResponseError].some(
    (type) => error instanceof type,
  )
}
