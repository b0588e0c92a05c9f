import { isJsonObject } from '../../base/json-object.js'

/** Returns the JSON object that the text contains; `undefined` if the text is not a JSON object. */
export function parseJsonObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
