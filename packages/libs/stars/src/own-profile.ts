import { scoped } from '@nightpipe/kernels'
import { medianOf } from '@nightpipe/math'
import { detectSources } from './detect.js'
import { IDENTITY, separate } from './matched-filter.js'
import { measureRaw, RESULT } from './measure-raw.js'
import { findRuns } from './runs.js'
import type { Scene } from './scene.js'
import { keepSources, SOURCE, sourceAt } from './sources.js'
import type { Surface } from './surface.js'

/** Stars to tell the width from: so much above the noise of a pixel, and so many of them. */
const BRIGHT = 15
const ENOUGH = 150
/** Semi-axis of what is no star, px. */
const LARGEST = 15
/** Rows that are looked through at a time. */
const ROWS = 256

/** The full width at half maximum of the brighter stars of a frame, found without a filter; undefined when there is none. */
export function widthOfStars(scene: Scene, noise: Surface, saturation = Number.POSITIVE_INFINITY): number | undefined {
  const widths: number[] = []
  const strips = Math.ceil(scene.height / ROWS)
  // strips from all over the frame, until there are enough stars
  const step = strips > 6 ? 5 : 1
  for (let start = 0; start < step && widths.length < ENOUGH; start++) {
    for (let strip = start; strip < strips; strip += step) {
      const y = strip * ROWS
      widths.push(...widthsInRows(scene, noise, [y, Math.min(scene.height, y + ROWS)], saturation))
    }
  }
  return widths.length > 0 ? medianOf(widths) : undefined
}

function widthsInRows(scene: Scene, noise: Surface, rows: readonly [number, number], saturation: number): number[] {
  const { net, width, height } = scene
  return scoped(() => {
    const runs = findRuns(net, width, height, separate(IDENTITY), noise, BRIGHT, rows)
    const sources = detectSources(runs, scene, {
      ...{
        minimumArea: 5,
        levels: 1,
        contrast: 1,
        classic: false,
        threshold: BRIGHT,
        isophote: BRIGHT,
        rise: 0,
        factor: 1,
        reach: 0,
      },
    })
    const of = (i: number, field: (typeof SOURCE)[keyof typeof SOURCE]) => sourceAt(sources, i, field)
    const round = Array.from({ length: sources.count }, (_, i) => i)
      .filter((i) => of(i, SOURCE.a) < Math.min(LARGEST, 3 * of(i, SOURCE.b)) && of(i, SOURCE.peak) < 0.8 * saturation)
      .sort((i, j) => of(j, SOURCE.flux) - of(i, SOURCE.flux) || i - j)
    const brightest = keepSources(sources, round.slice(0, ENOUGH))
    const raw = measureRaw(brightest, scene, {
      kronFactor: 2.5,
      kronMinimum: 3.5,
      grid: 0,
      mirror: false,
      apertures: [],
    })
    const widths: number[] = []
    for (let i = 0; i < brightest.count; i++) {
      const found = raw.of(i, RESULT.good) ? raw.of(i, RESULT.fwhm) : Number.NaN
      if (found > 0.5) widths.push(found)
    }
    return widths
  })
}
