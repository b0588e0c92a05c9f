/** Reads the provider, the issuer and the audience from flags, or asks for them at the terminal. */
import { nearest } from '../../base/did-you-mean.js'
import { PROFILE_NAMES, type ProfileName } from '../../issuer/providers/providers.js'
import type { Arguments } from '../arguments.js'
import type { ProcessContext } from '../context.js'
import { UsageError } from '../exit-code.js'
import { LinePrompt } from '../prompt.js'

export interface Answers {
  readonly profile: ProfileName
  readonly issuer: string
  readonly audience: readonly string[]
}

/** The profiles for which there are many issuers come last, because the others say more. */
const GENERAL: readonly ProfileName[] = ['standard', 'rfc9068']
const CHOICES: readonly ProfileName[] = [
  ...PROFILE_NAMES.filter((name) => !GENERAL.includes(name)),
  ...GENERAL,
]

/** Where the issuer and the audience are found, for the providers of which most users ask. */
const WHERE: Partial<Record<ProfileName, readonly [issuer: string, audience: string]>> = {
  okta: [
    'Security > API > Authorization Servers, such as https://acme.okta.com/oauth2/default',
    'of that authorization server, such as api://default',
  ],
  auth0: [
    'the domain as a URL with a slash at the end, such as https://acme.eu.auth0.com/',
    'Applications > APIs > Identifier, such as https://orders.example',
  ],
  entra: [
    'https://login.microsoftonline.com/<tenant ID>/v2.0',
    'the Application (client) ID of the API',
  ],
  cognito: [
    'https://cognito-idp.<region>.amazonaws.com/<user pool ID>',
    'the ID of the app client',
  ],
  keycloak: [
    'Realm settings > Endpoints, such as https://sso.example/realms/acme',
    'the client ID that an Audience mapper adds to "aud", such as orders-api',
  ],
}
const ANYWHERE = [
  '"issuer" in its metadata, such as https://login.example.com',
  'the identifier under which the API is registered, as in "aud" of its access tokens',
] as const

/**
 * @throws {UsageError} if a flag is missing and standard input is not a terminal, or an answer is
 *   empty or unknown.
 */
export async function readAnswers(args: Arguments, context: ProcessContext): Promise<Answers> {
  const missing = ['profile', 'issuer', 'audience'].filter((flag) => !args.has(flag))
  if (missing.length > 0 && context.stdin.isTTY !== true) {
    const names = missing.map((flag) => `--${flag}`).join(', ')
    throw new UsageError(
      `${names} ${missing.length === 1 ? 'is' : 'are'} required, because standard input is not a terminal at which init can ask`,
    )
  }
  const prompt = new LinePrompt(context)
  try {
    const profile = args.value('profile') ?? (await askProfile(prompt))
    const known = knownProfile(profile)
    const [issuerHint, audienceHint] = WHERE[known] ?? ANYWHERE
    const issuer = args.value('issuer') ?? (await prompt.ask(`Issuer (${issuerHint}): `))
    const audience = args.has('audience')
      ? args.values('audience')
      : (await prompt.ask(`Audience (${audienceHint}): `)).split(/\s+/).filter(Boolean)
    return { profile: known, issuer, audience }
  } finally {
    prompt.close()
  }
}

async function askProfile(prompt: LinePrompt): Promise<string> {
  const rows = CHOICES.map((name, index) => `${`${index + 1}`.padStart(4)}  ${name}\n`)
  const answer = await prompt.ask(
    `Which provider issues the access tokens? If none of these does: standard.\n\n${rows.join('')}\nProvider, name or number (okta): `,
  )
  return answer === '' ? 'okta' : (CHOICES[Number(answer) - 1] ?? answer)
}

function knownProfile(name: string): ProfileName {
  const profile = CHOICES.find((choice) => choice === name.toLowerCase())
  if (profile !== undefined) return profile
  const meant = nearest(name, CHOICES)
  throw new UsageError(
    meant === undefined
      ? `--profile must be one of ${CHOICES.join(', ')}. For another provider, use standard`
      : `unknown provider. Did you mean ${meant}?`,
  )
}
