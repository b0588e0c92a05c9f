import { type HttpResponse, uncached } from '../http/http-response.js'
import { OAuthError } from '../http/oauth-error.js'
import { addRoute, type Endpoint, type Routes, removeRoute } from '../http/router.js'
import type { IssuedTokens } from '../tokens/issued-tokens.js'
import { PollDelivery } from './poll-delivery.js'
import { pollEndpoint } from './poll-endpoint.js'
import { noContent, type ReceiverRequest, receiverEndpoint } from './receiver-request.js'
import { configurationOf, readStreamRequest } from './stream.js'
import { STATUSES, type Stream, type StreamStatus, type Streams } from './streams.js'

export interface StreamEndpointSources {
  readonly routes: Routes
  readonly issuer: string
  readonly streams: Streams
  readonly issued: IssuedTokens
  /** The path below which the endpoints are, such as `/oauth2/default/v1/ssf`. */
  readonly base: string
}

/** Serves the management API of streams (SSF 1.0 §8.1), and a poll endpoint for each poll stream. */
export class StreamEndpoints {
  readonly #sources: StreamEndpointSources

  constructor(sources: StreamEndpointSources) {
    this.#sources = sources
    const { base } = sources
    this.#add(`${base}/streams`, ['GET', 'POST', 'DELETE'], (request) => this.#configure(request))
    this.#add(`${base}/status`, ['GET', 'POST'], async (request) => this.#status(request))
    this.#add(`${base}/verification`, ['POST'], async (request) => this.#verify(request))
  }

  #add(
    path: string,
    methods: string[],
    handle: (request: ReceiverRequest) => Promise<HttpResponse>,
    name: Endpoint['name'] = 'streams',
  ): void {
    const { routes, issued } = this.#sources
    addRoute(routes, path, { name, methods, handle: receiverEndpoint(issued, handle) })
  }

  async #configure(request: ReceiverRequest): Promise<HttpResponse> {
    const { streams, routes } = this.#sources
    const { clientId, query, body } = request
    if (request.request.method === 'POST') return this.#create(clientId, body)
    if (request.request.method === 'GET' && !query.has('stream_id')) {
      return uncached(
        200,
        streams.of(clientId).map((stream) => this.#configurationOf(stream)),
      )
    }
    const stream = this.#requireStream(query.get('stream_id'), clientId)
    if (request.request.method === 'GET') return uncached(200, this.#configurationOf(stream))
    streams.remove(stream)
    removeRoute(routes, this.#pollPath(stream))
    return noContent()
  }

  #create(clientId: string, body: Record<string, unknown>): HttpResponse {
    const { streams } = this.#sources
    if (streams.isFull) {
      throw new OAuthError('invalid_request', 'There are too many streams.', { status: 409 })
    }
    const stream = streams.add(readStreamRequest(body, clientId))
    const { delivery } = stream
    if (delivery instanceof PollDelivery) {
      this.#add(this.#pollPath(stream), ['POST'], pollEndpoint(streams, stream, delivery), 'poll')
    }
    return uncached(201, this.#configurationOf(stream))
  }

  #status({ request, clientId, query, body }: ReceiverRequest): HttpResponse {
    const isChange = request.method === 'POST'
    const id = isChange ? body.stream_id : query.get('stream_id')
    const stream = this.#requireStream(id, clientId)
    if (isChange) {
      const { status, reason } = body
      if (!isStatus(status) || (reason !== undefined && typeof reason !== 'string')) {
        throw new OAuthError('invalid_request', `The status must be one of ${STATUSES.join(', ')}.`)
      }
      this.#sources.streams.setStatus(stream, status, reason)
    }
    const { status, reason } = stream
    return uncached(200, { stream_id: stream.settings.id, status, reason })
  }

  #verify({ clientId, body }: ReceiverRequest): HttpResponse {
    const { stream_id: id, state } = body
    const stream = this.#requireStream(id, clientId)
    if (state !== undefined && typeof state !== 'string') {
      throw new OAuthError('invalid_request', 'The state must be a string.')
    }
    // The event follows the response (SSF 1.0 §8.1.4.2). `allSettled` prevents an unhandled rejection.
    void Promise.allSettled([this.#sources.streams.verify(stream, state)])
    return noContent()
  }

  #requireStream(id: unknown, clientId: string): Stream {
    const stream = this.#sources.streams.find(id, clientId)
    if (stream !== undefined) return stream
    throw new OAuthError('invalid_request', 'There is no such stream.', { status: 404 })
  }

  #pollPath({ settings }: Stream): string {
    return `${this.#sources.base}/poll/${settings.id}`
  }

  #configurationOf(stream: Stream): object {
    const { issuer } = this.#sources
    return configurationOf(stream.settings, issuer, new URL(this.#pollPath(stream), issuer).href)
  }
}

function isStatus(status: unknown): status is StreamStatus {
  return (STATUSES as readonly unknown[]).includes(status)
}
