import { type FitsFile, type Hdu, openFits } from '@nightpipe/fits'
import { compareHeaders } from './compare-headers.js'
import { comparePixels } from './compare-pixels.js'
import { compareTables } from './compare-tables.js'
import type { Difference, Tolerances } from './difference.js'

/**
 * What differs between two FITS files: the list of HDUs, the values of the headers, every pixel and every table cell.
 * How the bytes lie (compression, order of cards, BITPIX of equal values) does not count.
 */
export function compareFits(pathA: string, pathB: string, tolerances: Tolerances): Difference[] {
  const a = openFits(pathA)
  try {
    const b = openFits(pathB)
    try {
      return compareHdus(a, b, tolerances)
    } finally {
      b.close()
    }
  } finally {
    a.close()
  }
}

function compareHdus(a: FitsFile, b: FitsFile, tolerances: Tolerances): Difference[] {
  const [left, right] = [contentful(a), contentful(b)]
  const out: Difference[] = []
  if (left.length !== right.length) {
    const list = (hdus: Hdu[]) => hdus.map(nameOf).join(', ')
    out.push({
      hdu: '',
      kind: 'structure',
      where: 'HDUs',
      a: list(left),
      b: list(right),
      note: 'pairs of them are compared in order',
    })
  }
  for (let k = 0; k < Math.min(left.length, right.length); k++) out.push(...comparePair(left[k], right[k], tolerances))
  return out
}

/** The empty primary in front of a compressed image is a matter of packing. */
function contentful({ hdus }: FitsFile): Hdu[] {
  return hdus.length > 1 && hdus[0].kind === 'empty' && hdus[1].compressed ? hdus.slice(1) : [...hdus]
}

const nameOf = (hdu: Hdu) => `${hdu.index}${hdu.name ? ` ${hdu.name}` : ''}`
const isTable = (hdu: Hdu) => hdu.kind === 'table' || hdu.kind === 'ascii'

/** Cards that say how an image is stored, not what it holds. */
const PACKING = ['SIMPLE', 'XTENSION', 'EXTEND', 'BITPIX', 'BZERO', 'BSCALE', 'BLANK', 'PCOUNT', 'GCOUNT', 'THEAP']

function comparePair(a: Hdu, b: Hdu, tolerances: Tolerances): Difference[] {
  const hdu = nameOf(a)
  const shape = (one: Hdu) => (isTable(one) ? 'table' : `${one.kind} ${one.axes.join('x')}`.trim())
  if (shape(a) !== shape(b)) {
    return [{ hdu, kind: 'structure', where: 'content', a: shape(a), b: shape(b), note: 'not compared any further' }]
  }
  const ignore = [...tolerances.ignore, ...PACKING, ...(isTable(a) ? ['NAXIS1', 'TFORM*', 'TTYPE*', 'TUNIT*'] : [])]
  const headers = compareHeaders(hdu, a.header, b.header, { ...tolerances, ignore })
  if (isTable(a)) return [...headers, ...compareTables(hdu, a, b, tolerances)]
  return a.kind === 'image' ? [...headers, ...comparePixels(hdu, a, b, tolerances)] : headers
}
