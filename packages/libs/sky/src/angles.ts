import { power } from '@nightpipe/math'

/** What the first field of a sexagesimal angle counts. */
export type AngleUnit = 'hours' | 'degrees'

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[ed][+-]?\d+)?$/
const FIELDS =
  /^([+-]?)\s*(\d+(?:\.\d*)?)[\s:hd°]+(\d+(?:\.\d*)?)(?:[\s:m'′]+(\d+(?:\.\d*)?)\s*(?:s|"|″|'')?|\s*[m'′]?)$/
const ONE_FIELD = /^([+-]?(?:\d+\.?\d*|\.\d+))\s*(h|d|°|deg|degrees|hours|hr)$/

/**
 * An angle in degrees, from a header's text or number: `-00 00 01`, `12h30m`, `17:04:40.191`, `+12:47:18`, `02:05.25`,
 * `273.87`. `unit` says what the leading field counts where the text does not (`h`, `d` and `°` do say it).
 * A trailing `S` or `W` makes it negative. Undefined when it is no angle, or minutes or seconds reach 60.
 */
export function parseAngle(value: string | number, unit: AngleUnit): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? scale(value, unit) : undefined
  let text = value.trim().toLowerCase()
  const hemisphere = /[\d"'°ms]\s*([nsew])$/.exec(text)?.[1]
  // A closing "s" is a hemisphere only where it cannot mean seconds of time or arc.
  const isHemisphere = hemisphere && !(hemisphere === 's' && /[hm:d].*\d\s*s$/.test(text))
  if (isHemisphere) text = text.slice(0, -1).trim()
  const degrees = readAngle(text, unit)
  return degrees !== undefined && isHemisphere && /[sw]/.test(hemisphere) ? -degrees : degrees
}

function readAngle(text: string, unit: AngleUnit): number | undefined {
  if (NUMBER.test(text)) return scale(Number(text.replace('d', 'e')), unit)
  const single = ONE_FIELD.exec(text)
  if (single) return scale(Number(single[1]), single[2].startsWith('h') ? 'hours' : 'degrees')
  const match = FIELDS.exec(text)
  if (!match) return undefined
  const [, sign, first, minutes, seconds = '0'] = match
  if (Number(minutes) >= 60 || Number(seconds) >= 60 || first.includes('.')) return undefined
  const size = Number(first) + Number(minutes) / 60 + Number(seconds) / 3600
  // The sign is a character, not that of the number: "-00 00 01" is south of the equator.
  return scale(sign === '-' ? -size : size, text.includes('h') ? 'hours' : /[d°]/.test(text) ? 'degrees' : unit)
}

const scale = (value: number, unit: AngleUnit): number => (unit === 'hours' ? value * 15 : value)

/**
 * `17:04:40.191` or `+12:47:18.35`: an angle in degrees written in sexagesimal hours (wrapped to 0-24, no sign) or
 * degrees (always with its sign). `decimals` are those of the seconds.
 */
export function formatSexagesimal(degrees: number, unit: AngleUnit, decimals = 2, separator = ':'): string {
  if (!Number.isFinite(degrees)) throw new RangeError(`${degrees} is not an angle`)
  const ticksPerUnit = 3600 * power(10, decimals)
  let ticks = Math.round(Math.abs(unit === 'hours' ? wrapDegrees(degrees) / 15 : degrees) * ticksPerUnit)
  if (unit === 'hours' && ticks >= 24 * ticksPerUnit) ticks -= 24 * ticksPerUnit
  const first = Math.floor(ticks / ticksPerUnit)
  const minutes = Math.floor((ticks % ticksPerUnit) / (ticksPerUnit / 60))
  const seconds = (ticks % (ticksPerUnit / 60)) / power(10, decimals)
  const width = decimals > 0 ? decimals + 3 : 2
  const sign = unit === 'hours' ? '' : degrees < 0 || Object.is(degrees, -0) ? '-' : '+'
  const fields = [String(first).padStart(2, '0'), String(minutes).padStart(2, '0')]
  return sign + [...fields, seconds.toFixed(decimals).padStart(width, '0')].join(separator)
}

/** The same direction between 0 and 360 degrees. */
export function wrapDegrees(degrees: number): number {
  const turn = degrees % 360
  return turn < 0 ? (turn + 360) % 360 : turn
}
