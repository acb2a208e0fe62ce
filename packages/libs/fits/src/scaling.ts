import type { Hdu } from './hdu.js'
import { cardValue, numberOf } from './header.js'

/** physical = zero + scale * stored; stored equal to `blank` means no value. */
export interface Scaling {
  scale: number
  zero: number
  /** Only for integers. */
  blank: bigint | undefined
}

export function scalingOf(hdu: Hdu): Scaling {
  const blank = cardValue(hdu.header, 'BLANK')
  return {
    scale: numberOf(hdu.header, 'BSCALE') ?? 1,
    zero: numberOf(hdu.header, 'BZERO') ?? 0,
    blank: hdu.bitpix > 0 ? toBigInt(blank) : undefined,
  }
}

function toBigInt(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : undefined
}
