/** The route without a plugin, the baseline of the other rows. */
import { fastifyRoute } from './fastify-route.js'

export const serve = () => fastifyRoute(() => {})
