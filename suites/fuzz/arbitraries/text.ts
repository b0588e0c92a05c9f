/** Generates text of any UTF-16 code units, lone surrogates included. */
import fc from 'fast-check'

const unit = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) },
  { weight: 1, arbitrary: fc.nat(0xff) },
  { weight: 1, arbitrary: fc.nat(0xffff) },
)

export function anyText(maxLength: number): fc.Arbitrary<string> {
  return fc.string({ unit: unit.map((code) => String.fromCharCode(code)), maxLength })
}
