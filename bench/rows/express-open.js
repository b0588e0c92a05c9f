/** Express without any middleware of ours: what Express itself costs. */
import { expressRoute } from './express-route.js'

export const serve = () => expressRoute(() => {})
