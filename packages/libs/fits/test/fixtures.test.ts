import { join } from 'node:path'
import { FIXTURES } from '@nightpipe/testing'
import t from 'tap'
import {
  type Column,
  FitsError,
  type Hdu,
  type Header,
  openFits,
  readGroups,
  readPixels64,
  readTable,
  type VariableCell,
} from '../src/index.js'
import { digestNumbers, digestTexts, noShared, type ReferenceHdu, readReference } from './reference.js'

const FOLDERS = [
  'edge_cases',
  'compressed',
  'imaging_raw',
  'imaging_series',
  'imaging_wcs',
  'longslit',
  'echelle',
  'subtraction',
]

const STRUCTURAL = /^(SIMPLE|XTENSION|EXTEND|CHECKSUM|DATASUM|PCOUNT|GCOUNT|COMMENT|HISTORY||LONGSTRN|NAXIS.*)$/

for (const folder of FOLDERS) {
  t.test(`every file of ${folder} reads as astropy and funpack read it`, { skip: noShared }, async (t) => {
    for (const [path, expected] of Object.entries(readReference(folder))) {
      if (expected.foreign) {
        t.throws(() => openFits(join(FIXTURES, path)), FitsError, `${path} is refused`)
        continue
      }
      const file = openFits(join(FIXTURES, path))
      t.equal(file.hdus.length, expected.hdus!.length, `${path} has ${expected.hdus!.length} HDUs`)
      expected.hdus!.forEach((hdu, k) => {
        t.same(factsOf(file.hdus[k]!, hdu), hdu, `${path}, HDU ${k}`)
      })
      file.close()
    }
  })
}

/** What the reference says about an HDU, as we read it. */
function factsOf(hdu: Hdu, expected: ReferenceHdu): ReferenceHdu {
  const { kind } = expected
  const facts: ReferenceHdu = { kind, name: hdu.name, axes: hdu.axes, bitpix: hdu.bitpix }
  if (expected.values !== undefined) Object.assign(facts, headerFacts(hdu.header))
  if (hdu.kind === 'groups') {
    const groups = readGroups(hdu)
    return {
      ...facts,
      parameters: groups.parameters.map((one) => digestNumbers(one.values)),
      ...imageFacts(groups.data, expected),
    }
  }
  if (expected.pixels !== undefined) Object.assign(facts, imageFacts(readPixels64(hdu), expected))
  if (expected.columns) facts.columns = readTable(hdu).columns.map(columnFacts)
  return facts
}

function imageFacts(pixels: Float64Array, { samples }: ReferenceHdu) {
  let nan = 0
  for (let i = 0; i < pixels.length; i++) if (Number.isNaN(pixels[i])) nan++
  const value = (at: number) => (Number.isNaN(pixels[at]) ? null : pixels[at]!)
  return {
    pixels: digestNumbers(pixels),
    nan,
    samples: samples!.map(([at]) => [at, value(at)] as [number, number | null]),
  }
}

function columnFacts({ name, values, format }: Column) {
  const letter = (one: unknown) => (one === true ? 'T' : one === false ? 'F' : '?')
  if (ArrayBuffer.isView(values)) return { name, numbers: digestNumbers(values as Float64Array) }
  if (!/^\d?[PQ]/.test(format)) {
    if (typeof values[0] === 'string') return { name, text: digestTexts(values as string[]) }
    return { name, text: digestTexts([(values as boolean[]).map(letter).join('')]) }
  }
  const cells = values as VariableCell[]
  if (/[PQ]A/.test(format)) return { name, text: digestTexts(cells as string[]) }
  if (/[PQ]L/.test(format))
    return { name, text: digestTexts(cells.map((one) => (one as boolean[]).map(letter).join(''))) }
  const numbers = cells.flatMap((one) => Array.from(one as Float64Array, Number))
  return { name, numbers: digestNumbers(numbers), cells: cells.map((one) => one.length).slice(0, 10) }
}

function headerFacts({ cards }: Header): { cards: number; values: string } {
  const bits = new DataView(new ArrayBuffer(8))
  const texts: string[] = []
  for (const { keyword, value, text } of cards) {
    if (STRUCTURAL.test(keyword) || text?.startsWith('(')) continue
    if (typeof value === 'number' || typeof value === 'bigint') {
      bits.setFloat64(0, Number(value))
      texts.push(`${keyword}=${bits.getBigUint64(0).toString(16).padStart(16, '0')}`)
    } else if (typeof value === 'boolean') texts.push(`${keyword}=${value ? 'T' : 'F'}`)
    else texts.push(`${keyword}=${value ?? 'undefined'}`)
  }
  return { cards: texts.length, values: digestTexts(texts.sort()) }
}
