/**
 * Creates OpenTelemetry traces from the diagnostics channels: the span of a request names the
 * client, or the reason for the rejection, and has the introspection requests as child spans. `npm
 * run example tracing`.
 */
import { context, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import Fastify from 'fastify'
import resourceServer, { onDiagnostics } from 'fastify-resource-server'
import { createAuthorizationServer, testClient } from 'fastify-resource-server/testing'

// In an application, NodeSDK of @opentelemetry/sdk-node sets this up, with your exporter.
const exporter = new InMemorySpanExporter()
trace.setGlobalTracerProvider(
  new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
)
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
const tracer = trace.getTracer('example')

// The attributes do not identify the user, because traces have more readers than tokens.
onDiagnostics('token:accept', ({ token }) => {
  trace.getActiveSpan()?.setAttributes({
    'oauth.issuer': token.issuer,
    'oauth.client_id': token.clientId ?? '',
    'oauth.scope': [...token.scope],
  })
})
onDiagnostics('token:reject', ({ error: { code, check, message } }) => {
  trace.getActiveSpan()?.addEvent('access token rejected', { code, check, message })
})
onDiagnostics('dpop:replay', ({ jkt }) => {
  trace.getActiveSpan()?.addEvent('DPoP proof replayed', { jkt })
})
// Each of these spans is a child of the request span that started the operation. Other requests that
// share the response have no span for it.
onDiagnostics('jwks:fetch', ({ issuer, outcome, durationMs, error }) =>
  recordSpan('fetch keys', { issuer, outcome, durationMs, error }),
)
onDiagnostics('introspection:response', ({ issuer, outcome, durationMs, error }) =>
  recordSpan('introspect token', { issuer, outcome, durationMs, error }),
)

interface Operation {
  readonly issuer: string
  readonly outcome: string
  readonly durationMs: number
  readonly error?: unknown
}

/** Records a span for a finished operation. */
function recordSpan(name: string, { issuer, outcome, durationMs, error }: Operation): void {
  const attributes = { 'oauth.issuer': issuer, 'oauth.outcome': outcome }
  const span = tracer.startSpan(name, { attributes, startTime: Date.now() - durationMs })
  if (error instanceof Error) span.setStatus({ code: SpanStatusCode.ERROR, message: error.message })
  span.end()
}

const authorizationServer = await createAuthorizationServer()
const { clientId, clientSecret } = testClient
const app = Fastify()
// In an application, @fastify/otel or the HTTP instrumentation creates this span.
app.addHook('onRequest', (request, reply, done) => {
  const span = tracer.startSpan(`${request.method} ${request.url}`)
  reply.raw.once('finish', () => span.setAttribute('status', reply.statusCode).end())
  context.with(trace.setSpan(context.active(), span), done)
})
await app.register(resourceServer, {
  issuer: authorizationServer.issuer,
  audience: 'api://default',
  introspection: { clientId, clientSecret },
})
app.get('/me', async (request) => ({ user: request.claims.sub }))
const api = await app.listen({ host: '127.0.0.1', port: 0 })

const jwt = await authorizationServer.issueToken()
await call(jwt)
await call(jwt)
await call(await authorizationServer.issueToken({}, { format: 'opaque' }))
await call(await authorizationServer.issueToken({ aud: 'api://other' }))
authorizationServer.fail({ status: 500 }, 'introspection')
await call('unknown')

await app.close()
await authorizationServer.close()

const spans = exporter.getFinishedSpans()
for (const span of spans.filter(({ parentSpanContext }) => parentSpanContext === undefined)) {
  show(span)
  const id = span.spanContext().spanId
  for (const child of spans) if (child.parentSpanContext?.spanId === id) show(child, '  ')
}

async function call(token: string): Promise<void> {
  await (await fetch(`${api}/me`, { headers: { authorization: `Bearer ${token}` } })).text()
}

function show({ name, attributes, events, status }: ReadableSpan, indent = ''): void {
  console.log(indent + name, JSON.stringify(attributes), status.message ?? '')
  for (const event of events) {
    console.log(`${indent}  event: ${event.name}`, JSON.stringify(event.attributes))
  }
}
