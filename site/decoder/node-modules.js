/**
 * Implements the functions of Node that the decoder uses, for the browser: `node:buffer` and
 * `node:util` are aliases of this module, and `Buffer` becomes a global. It supports only the
 * encodings and methods that the decoder calls, with the results of Node.
 */

class Bytes extends Uint8Array {
  /** @param encoding absent, `utf8` or `latin1`. */
  toString(encoding = 'utf8') {
    return encoding === 'latin1'
      ? Array.from(this, (byte) => String.fromCharCode(byte)).join('')
      : new TextDecoder('utf-8', { ignoreBOM: true }).decode(this)
  }
}

export const Buffer = {
  from(text, encoding) {
    const binary = encoding?.startsWith('base64') ? decodeBase64(text) : text
    return Bytes.from(binary, (character) => character.charCodeAt(0))
  },
  byteLength: (text) => new TextEncoder().encode(text).length,
}

/** Ignores other characters than those of base64 and base64url, and ends at "=", like Node. */
function decodeBase64(text) {
  const [unpadded] = text.split('=')
  const digits = unpadded
    .replace(/[^\w+/-]/g, '')
    .replaceAll('-', '+')
    .replaceAll('_', '/')
  return atob(digits.length % 4 === 1 ? digits.slice(0, -1) : digits)
}

export function isUtf8(bytes) {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return true
  } catch {
    return false
  }
}

export const types = {
  isNativeError: (value) => value instanceof Error,
  isPromise: (value) => value instanceof Promise,
}

globalThis.Buffer ??= Buffer
