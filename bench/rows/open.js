/** The route without any plugin: what the others are compared with. */
import { fastifyRoute } from './fastify-route.js'

export const serve = () => fastifyRoute(() => {})
