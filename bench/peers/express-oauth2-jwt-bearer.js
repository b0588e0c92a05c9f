/** express-oauth2-jwt-bearer, as its README shows. */
import { auth } from 'express-oauth2-jwt-bearer'
import { expressRoute } from './express-route.js'

export const serve = ({ issuer, audience }) =>
  expressRoute((app) => {
    app.use(auth({ issuerBaseURL: issuer, audience }))
  })
