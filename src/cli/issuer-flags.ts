import { PROFILE_NAMES } from '../issuer/providers/providers.js'
import type { Flags } from './command.js'
import { inLines } from './help.js'

/** Flags with which `doctor` and `explain` describe the issuer as the API has it in its options. */
export const ISSUER_FLAGS = {
  profile: {
    value: 'NAME',
    help: `The token format of the issuer. Default: by the issuer's domain, else standard. One of\n${inLines(PROFILE_NAMES)}`,
  },
  algorithms: {
    value: 'ALG',
    repeatable: true,
    help: 'A signature algorithm that the API accepts; repeatable. Default: all asymmetric ones',
  },
  'jwks-uri': {
    value: 'URL',
    help: 'URL of the key set. Default: from the metadata of the issuer',
  },
  'dangerously-allow-http': { help: 'Fetch metadata and keys over http, not only from loopback' },
} satisfies Flags
