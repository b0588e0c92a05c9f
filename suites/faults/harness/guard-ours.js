/** Protects the API with this package, as built. */
import resourceServer, { fileKeyStore } from 'fastify-resource-server'

export async function guard(app, { issuer, audience, jwksUri, jwks, storeIn, clock }) {
  const store = storeIn === undefined ? {} : { store: fileKeyStore({ directory: storeIn }) }
  await app.register(resourceServer, {
    issuer,
    audience,
    ...(jwksUri === undefined ? {} : { jwksUri }),
    jwks: { ...jwks, ...store },
    now: clock.now,
  })
  return {
    status: () => app.resourceServer.keySetStatus()[0],
    refresh: () => app.resourceServer.refreshKeys(),
  }
}
