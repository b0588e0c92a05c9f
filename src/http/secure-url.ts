import { canParseUrl } from '../base/can-parse-url.js'
import { isLoopback } from './loopback.js'

/** Whether `text` is an absolute https URL without credentials, or http where that was allowed. */
export function isSecureUrl(
  text: string,
  { allowHttp, mayBeLoopback }: { allowHttp: boolean; mayBeLoopback: boolean },
): boolean {
  if (!canParseUrl(text)) return false
  const url = new URL(text)
  // Credentials in a URL end up in logs, and fetch takes none.
  if (url.username !== '' || url.password !== '') return false
  if (url.protocol === 'https:') return true
  return url.protocol === 'http:' && (allowHttp || (mayBeLoopback && isLoopback(url)))
}
