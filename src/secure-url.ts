import { isLoopback } from './loopback.js'

/** Whether `text` is an absolute https URL, or an http one where that was allowed. */
export function isSecureUrl(
  text: string,
  { allowHttp, mayBeLoopback }: { allowHttp: boolean; mayBeLoopback: boolean },
): boolean {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  if (url.protocol === 'https:') return true
  return url.protocol === 'http:' && (allowHttp || (mayBeLoopback && isLoopback(url)))
}
