import { FitsError } from './errors.js'
import type { Hdu } from './hdu.js'
import { cardValue, numberOf } from './header.js'
import { show } from './layout.js'

/** physical = zero + scale * stored; stored equal to `blank` means no value. */
export interface Scaling {
  scale: number
  zero: number
  /** Only for integers. */
  blank: bigint | undefined
}

/** Of HDUs that were asked for theirs: rows are read a few at a time, and headers do not change under their readers. */
const known = new WeakMap<Hdu, Scaling>()

export function scalingOf(hdu: Hdu): Scaling {
  const before = known.get(hdu)
  if (before) return before
  const scaling = readScaling(hdu)
  known.set(hdu, scaling)
  return scaling
}

function readScaling(hdu: Hdu): Scaling {
  const blank = cardValue(hdu.header, 'BLANK')
  return {
    scale: scaleOf(hdu, 'BSCALE', 1),
    zero: scaleOf(hdu, 'BZERO', 0),
    blank: hdu.bitpix > 0 ? toBigInt(blank) : undefined,
  }
}

/** A scale that is there but no number would give wrong pixels if it were passed over. */
function scaleOf(hdu: Hdu, keyword: string, fallback: number): number {
  const value = cardValue(hdu.header, keyword)
  const number = value === undefined ? fallback : numberOf(hdu.header, keyword)
  if (number !== undefined) return number
  throw new FitsError({ file: hdu.file.name, hdu: hdu.index }, `${keyword} is ${show(value)}, not a number`)
}

function toBigInt(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : undefined
}
