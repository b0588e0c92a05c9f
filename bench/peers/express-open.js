/** Express without a verifier, to measure the cost of Express itself. */
import { expressRoute } from './express-route.js'

export const serve = () => expressRoute(() => {})
