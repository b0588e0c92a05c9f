/** Protects the API with the built package. */
import resourceServer, { fileKeyStore } from 'fastify-resource-server'

export async function protect(app, { issuer, audience, jwksUri, jwks, storeDirectory, clock }) {
  const store =
    storeDirectory === undefined ? {} : { store: fileKeyStore({ directory: storeDirectory }) }
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
