import { ConfigError } from '@nightpipe/command'
import { parseAngle } from '@nightpipe/sky'

/** --ra and --dec: plain numbers are degrees; a right ascension written in fields counts hours. */
export function angleOf(name: 'ra' | 'dec', given: unknown): number {
  const text = String(given ?? '').trim()
  const plain = /^[+-]?[\d.]+$/.test(text)
  const angle = parseAngle(text, plain || name === 'dec' ? 'degrees' : 'hours')
  const example = name === 'ra' ? '05:35:17 or 83.82' : '-05:23:28 or -5.39'
  if (angle === undefined) throw new ConfigError(`--${name} ${text || 'is missing'}`, `write it as ${example}`)
  if (name === 'dec' && Math.abs(angle) > 90) throw new ConfigError(`--dec ${text}: a declination is -90 to 90 degrees`)
  return angle
}
