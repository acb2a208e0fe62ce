import { type FrameFacts, type LinearitySections, linearityOf } from '@nightpipe/config'
import type { Linearity, Section } from '@nightpipe/image'

/** The part of a raw frame that one amplifier reads out. */
export interface Amplifier {
  data: Section
  /** Where its data stand in a frame without overscans. */
  place: Section
  overscan?: Section
  /** Electrons per ADU, and electrons, as the header says. */
  gain?: number
  readNoise?: number
  /** What makes its net counts proportional to light. */
  linearity?: Linearity
}

/** How the pixels of a master come from those of a raw frame. */
export interface Geometry {
  rawWidth: number
  rawHeight: number
  /** Size of the master. */
  width: number
  height: number
  amplifiers: Amplifier[]
}

export function geometryOf(
  facts: FrameFacts,
  rawWidth: number,
  rawHeight: number,
  sections?: LinearitySections,
): Geometry {
  const amplifiers = facts.amplifiers.map(({ name, data, place, overscan, gain, readNoise }): Amplifier => {
    const linearity = linearityOf(name, sections)
    return { data, place, overscan, gain, readNoise, ...(linearity && { linearity }) }
  })
  const width = Math.max(...amplifiers.map(({ place }) => place.x1))
  const height = Math.max(...amplifiers.map(({ place }) => place.y1))
  return { rawWidth, rawHeight, width, height, amplifiers }
}

/** True when net counts of the frame are to be made proportional to light. */
export const isBent = ({ amplifiers }: Geometry): boolean => amplifiers.some(({ linearity }) => linearity !== undefined)

/** True when every pixel of the master comes from an amplifier. */
export function isCovered({ width, height, amplifiers }: Geometry): boolean {
  const area = amplifiers.reduce((sum, { place }) => sum + (place.x1 - place.x0) * (place.y1 - place.y0), 0)
  return area >= width * height
}

/** What two frames of one master must have in common, as a reader of the report understands it. */
export function layoutOf({ rawWidth, rawHeight, amplifiers }: Geometry): string {
  const parts = amplifiers.map(({ data }) => `[${data.x0 + 1}:${data.x1},${data.y0 + 1}:${data.y1}]`)
  return `${rawWidth}x${rawHeight} with data ${parts.join(' ')}`
}
