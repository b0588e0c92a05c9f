/** @okta/jwt-verifier in a hook, as its README shows. */
import OktaJwtVerifier from '@okta/jwt-verifier'
import { fastifyRoute, requireToken } from './fastify-route.js'

export const serve = ({ issuer, audience }) =>
  fastifyRoute((app) => {
    const verifier = new OktaJwtVerifier({ issuer, testing: { disableHttpsCheck: true } })
    requireToken(app, async (token) => (await verifier.verifyAccessToken(token, audience)).claims)
  })
