import { readFileSync } from 'node:fs'
import type { Provenance } from '@nightpipe/command'
import { cardValue, type FitsFile, type Hdu, openFits, readPixels64 } from '@nightpipe/fits'

/** True when two files hold the same bytes. */
export const sameBytes = (a: string, b: string) => readFileSync(a).equals(readFileSync(b))

/** What differs between two FITS files, a line each: HDUs, cards, pixels. */
export function differencesOf(a: string, b: string): string[] {
  const [before, after] = [openFits(a), openFits(b)]
  try {
    const counts =
      before.hdus.length !== after.hdus.length ? [`${before.hdus.length} HDUs, now ${after.hdus.length}`] : []
    const both = Math.min(before.hdus.length, after.hdus.length)
    const inside = Array.from({ length: both }, (_, i) => inHdu(before, after, i)).flat()
    return [...counts, ...inside]
  } finally {
    before.close()
    after.close()
  }
}

/** Sums follow from what differs. */
const DERIVED = new Set(['CHECKSUM', 'DATASUM'])

function inHdu(before: FitsFile, after: FitsFile, index: number): string[] {
  const [a, b] = [before.hdus[index]!, after.hdus[index]!]
  const name = a.name || `HDU ${index}`
  const keywords = [...a.header.cards, ...b.header.cards].map(({ keyword }) => keyword)
  const cards = [...new Set(keywords)]
    .filter((keyword) => !DERIVED.has(keyword))
    .flatMap((keyword) => {
      const [was, is] = [valuesOf(a, keyword), valuesOf(b, keyword)]
      return was === is ? [] : [`${name}: ${keyword} was ${was || 'absent'}, now ${is || 'absent'}`]
    })
  return [...cards, ...inData(a, b, name)]
}

const valuesOf = ({ header }: Hdu, keyword: string) =>
  header.cards
    .filter((card) => card.keyword === keyword)
    .map(({ value }) => String(value))
    .join(' | ')

function inData(a: Hdu, b: Hdu, name: string): string[] {
  if (a.kind !== 'image' || b.kind !== 'image' || a.axes.join() !== b.axes.join()) {
    const sum = (hdu: Hdu) => cardValue(hdu.header, 'DATASUM')
    return sum(a) === sum(b) ? [] : [`${name}: its data differ`]
  }
  if (a.axes.length === 0) return []
  const [was, is] = [readPixels64(a), readPixels64(b)]
  let count = 0
  let largest = 0
  for (let i = 0; i < was.length; i++) {
    if (Object.is(was[i], is[i]) || was[i] === is[i]) continue
    count++
    const step = Math.abs(was[i]! - is[i]!)
    if (step > largest) largest = step
  }
  return count ? [`${name}: ${count} of ${was.length} pixels differ, by up to ${largest.toPrecision(4)}`] : []
}

/** Lines of the configuration that only one of two products was made with. */
export function configDifferences(before: Provenance, after: Provenance): string[] {
  const lines = (config: string) => config.split('\n').filter(Boolean)
  const only = (one: string, other: string) => lines(one).filter((line) => !lines(other).includes(line))
  return [
    ...only(before.configText, after.configText).map((line) => `configuration, then: ${line}`),
    ...only(after.configText, before.configText).map((line) => `configuration, now: ${line}`),
  ]
}
