import { parseAngle, type TanWcs, tanWcs, wrapDegrees } from '@nightpipe/sky'
import type { Size } from './pixel-section.js'
import { asNumber, numericFact, type Reader } from './reader.js'

export interface FrameSky {
  raDeg?: number
  decDeg?: number
  pixelScaleArcsec?: number
}

/** Where the telescope pointed, and the size of a pixel on the sky. */
export function frameSky(reader: Reader, size: Size): FrameSky {
  const wcs = tanWcs((keyword) => reader.value(keyword))
  const position = pointing(reader, wcs) ?? centre(wcs, size)
  const scale = numericFact(reader, 'pixel scale', (value) => value > 0 && value < 3600)?.value ?? wcsScale(wcs)
  return { ...position, pixelScaleArcsec: scale }
}

/** A CDELT of 1 degree is what software writes that knows no scale. */
const wcsScale = (wcs: TanWcs | undefined): number | undefined =>
  wcs && Math.abs(wcs.scaleArcsec - 3600) > 1e-6 ? wcs.scaleArcsec : undefined

/** Where no keyword tells the pointing, the plate solution does. */
function centre(wcs: TanWcs | undefined, size: Size): { raDeg: number; decDeg: number } | undefined {
  if (!wcs) return undefined
  const [raDeg, decDeg] = wcs.toSky((size.width - 1) / 2, (size.height - 1) / 2)
  return { raDeg, decDeg }
}

function pointing(reader: Reader, wcs: TanWcs | undefined): { raDeg: number; decDeg: number } | undefined {
  const { ra, dec } = reader.profile.values.keywords
  for (const [k, raKeyword] of ra.entries()) {
    const [raValue, decValue] = [reader.value(raKeyword), reader.value(dec[k])]
    if (raValue === undefined || decValue === undefined || typeof raValue === 'boolean') continue
    const decDeg = typeof decValue === 'boolean' ? undefined : parseAngle(decValue, 'degrees')
    const raDeg = rightAscension(reader, raKeyword, raValue, wcs)
    if (raDeg === undefined || decDeg === undefined || Math.abs(decDeg) > 90 || raDeg < -180 || raDeg > 360) {
      reader.note(`${raKeyword} = ${raValue}, ${dec[k]} = ${decValue} is no position: ignored`)
    } else if (raDeg === 0 && decDeg === 0) {
      reader.note(`${raKeyword} and ${dec[k]} are both zero: taken as no position`)
    } else {
      reader.credit('position', `${raKeyword}, ${dec[k]}`)
      return { raDeg: wrapDegrees(raDeg), decDeg }
    }
  }
  return undefined
}

/** Separators mean hours, unless hours cannot be that many; a plain number is in the unit that `plainUnit` finds. */
function rightAscension(reader: Reader, keyword: string, value: string | number, wcs?: TanWcs): number | undefined {
  const plain = asNumber(value)
  if (plain !== undefined) return parseAngle(plain, plainUnit(reader, keyword, plain, wcs))
  const asHours = parseAngle(value, 'hours')
  const marked = /[hd°]/i.test(String(value))
  return asHours !== undefined && !marked && asHours >= 360 ? parseAngle(value, 'degrees') : asHours
}

/**
 * Hours or degrees? The profile may say. Else the keyword's name (RA_DEG), a value that hours cannot have, or whichever
 * is nearer to what the rest of the header tells; where nothing does, degrees, as the FITS standard wants.
 */
function plainUnit(reader: Reader, keyword: string, value: number, wcs?: TanWcs): 'hours' | 'degrees' {
  const said = reader.profile.values.conventions['ra unit']
  if (said !== 'auto') return said
  if (/deg/i.test(keyword) || value >= 24 || value <= 0) return 'degrees'
  const witness = wcs?.sky[0] ?? witnessOf(reader, keyword)
  if (witness === undefined) {
    reader.note(`${keyword} = ${value} taken as degrees (set [conventions] ra unit in the profile if it is hours)`)
    return 'degrees'
  }
  const distance = (degrees: number) => Math.abs(((degrees - witness + 540) % 360) - 180)
  return distance(value * 15) < distance(value) ? 'hours' : 'degrees'
}

/** A right ascension in this header whose unit is beyond doubt. */
function witnessOf(reader: Reader, keyword: string): number | undefined {
  for (const other of reader.profile.values.keywords.ra) {
    const value = reader.value(other)
    if (other === keyword || value === undefined || typeof value === 'boolean') continue
    const plain = asNumber(value)
    if (plain === undefined) return rightAscension(reader, other, value)
    if (/deg/i.test(other) || plain >= 24) return plain
  }
  return undefined
}
