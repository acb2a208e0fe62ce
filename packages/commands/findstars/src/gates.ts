import type { FrameQuality } from '@nightpipe/stars'
import type { FindConfig } from './schema.js'

/** Why a frame is set aside; undefined when nothing speaks against it. */
export function gateReason(quality: FrameQuality, gates: FindConfig['quality']): string | undefined {
  const { good, seeing, elongation, thetaKurtosis, sky, limitingMagnitude, highestPeak } = quality
  const digits = (value: number) => String(Number(value.toPrecision(4)))
  if (good < gates.stars) return `${good} good stars, ${gates.stars} wanted: clouds? ([quality] stars)`
  const above = (value: number, limit: number | undefined, what: string, key: string) =>
    limit !== undefined && value > limit ? `${what} ${digits(value)} above ${limit} ([quality] ${key})` : undefined
  return (
    above(elongation, gates.elongation, 'trailing: elongation', 'elongation') ??
    above(thetaKurtosis, gates.kurtosis, 'trailing: kurtosis of the angles', 'kurtosis') ??
    above(seeing, gates.seeing, 'seeing', 'seeing') ??
    above(sky, gates.sky, 'sky', 'sky') ??
    // the larger the fainter
    (gates['limiting magnitude'] !== undefined && limitingMagnitude < gates['limiting magnitude']
      ? `limiting magnitude ${digits(limitingMagnitude)}, ${gates['limiting magnitude']} wanted ([quality] limiting magnitude)`
      : undefined) ??
    above(highestPeak, gates.peak, 'peak', 'peak')
  )
}
