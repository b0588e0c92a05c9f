import { isJsonObject } from '../../base/json-object.js'

/** The JSON object that a text is, or `undefined` where it is something else. */
export function jsonObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
