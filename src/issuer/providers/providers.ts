/** Lists the providers. provider.ts says how to add one. */

import { auth0 } from './auth0.js'
import { authentik } from './authentik.js'
import { betterAuth } from './better-auth.js'
import { clerk } from './clerk.js'
import { cognito } from './cognito.js'
import { descope } from './descope.js'
import { duende } from './duende.js'
import { entra } from './entra.js'
import { firebase } from './firebase.js'
import { fusionauth } from './fusionauth.js'
import { google } from './google.js'
import { hydra } from './hydra.js'
import { keycloak } from './keycloak.js'
import { kinde } from './kinde.js'
import { logto } from './logto.js'
import { okta } from './okta.js'
import { openiddict } from './openiddict.js'
import { pingfederate } from './pingfederate.js'
import { pingone } from './pingone.js'
import type { Provider } from './provider.js'
import { rfc9068, standard } from './standard.js'
import { stytch } from './stytch.js'
import { supabase } from './supabase.js'
import { supertokens } from './supertokens.js'
import { workos } from './workos.js'
import { zitadel } from './zitadel.js'

/** The profiles that come with the package. */
export type ProfileName =
  | 'standard'
  | 'rfc9068'
  | 'okta'
  | 'auth0'
  | 'entra'
  | 'cognito'
  | 'keycloak'
  | 'clerk'
  | 'zitadel'
  | 'authentik'
  | 'hydra'
  | 'fusionauth'
  | 'duende'
  | 'openiddict'
  | 'pingone'
  | 'pingfederate'
  | 'supabase'
  | 'firebase'
  | 'google'
  | 'workos'
  | 'better-auth'
  | 'kinde'
  | 'logto'
  | 'descope'
  | 'stytch'
  | 'supertokens'

export const PROVIDERS: Readonly<Record<ProfileName, Provider>> = {
  standard,
  rfc9068,
  okta,
  auth0,
  entra,
  cognito,
  keycloak,
  clerk,
  zitadel,
  authentik,
  hydra,
  fusionauth,
  duende,
  openiddict,
  pingone,
  pingfederate,
  supabase,
  firebase,
  google,
  workos,
  'better-auth': betterAuth,
  kinde,
  logto,
  descope,
  stytch,
  supertokens,
}

export const PROFILE_NAMES = Object.keys(PROVIDERS) as readonly ProfileName[]

/** Providers whose issuer identifier may contain `{tenantid}`. */
export const MULTI_TENANT = Object.values(PROVIDERS).filter(isMultiTenant)

/** Returns the provider that owns the domain of the URL; `undefined` if there is none. */
export function providerOwning(url: URL): Provider | undefined {
  return Object.values(PROVIDERS).find(({ owns }) => owns?.(url))
}

function isMultiTenant(
  provider: Provider,
): provider is Provider & Required<Pick<Provider, 'owns' | 'tenants'>> {
  return provider.tenants !== undefined
}
