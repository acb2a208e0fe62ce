import { column, openFits, readTable } from '@nightpipe/fits'
import { chart, type Figure } from '@nightpipe/plot'
import type { Curves } from './light-curves.js'
import type { Linked } from './link-stars.js'
import type { SeriesFrame } from './read-product.js'
import type { Config } from './schema.js'
import { starName, targetNames } from './series-tables.js'
import { forcedPoints, type Point, pointsOf } from './target-curves.js'

export interface NamedFigure {
  name: string
  figure: Figure
}

/** The figures of a series: zero points and their residuals, scatter against magnitude, chosen light curves. */
export function figuresOf(
  frames: readonly SeriesFrame[],
  linked: Linked | undefined,
  curves: readonly Curves[],
  config: Config,
): NamedFigure[] {
  const figures: NamedFigure[] = []
  if (frames.some(({ zero }) => Number.isFinite(zero))) {
    figures.push({ name: 'zero-point-residuals', figure: residualFigure(frames) })
    if (frames.length > 1) figures.push({ name: 'zero-points', figure: zeroFigure(frames) })
  }
  if (!linked) return figures
  for (const set of curves) {
    const suffix = curves.length > 1 ? `-${plain(set.filter)}` : ''
    figures.push({ name: `scatter${suffix}`, figure: scatterFigure(set) })
    const names = targetNames(frames, linked)
    for (const star of [...names.stars.keys(), ...restless(set, config.series.plotted, names.stars)]) {
      const name = starName(star, names)
      figures.push({
        name: `lightcurve-${plain(name)}${suffix}`,
        figure: curveFigure(name, set, frames, pointsOf(star, set, frames, linked)),
      })
    }
    for (const name of names.forced) {
      const points = forcedPoints(name, set, frames, config.targets.significance)
      if (points.length > 0)
        figures.push({ name: `lightcurve-${plain(name)}${suffix}`, figure: curveFigure(name, set, frames, points) })
    }
  }
  return figures
}

const plain = (text: string) => text.replace(/[^A-Za-z0-9+-]+/g, '_') || 'unknown'

/** A scatter this many times that of its like is worth a look. */
const WORTH_A_LOOK = 3

function restless(set: Curves, most: number, but: ReadonlyMap<number, string>): number[] {
  return set.restlessness
    .map((value, star) => ({ value, star }))
    .filter(
      ({ value, star }) =>
        value > WORTH_A_LOOK && !but.has(star) && set.indices[star]!.points >= 0.8 * set.frames.length,
    )
    .sort((a, b) => b.value - a.value || a.star - b.star)
    .slice(0, most)
    .map(({ star }) => star)
}

/** At most so many points of a figure: an eye sees no more. */
const MOST_POINTS = 4000

function residualFigure(frames: readonly SeriesFrame[]): Figure {
  const [used, out]: [x: number[], y: number[]][] = [
    [[], []],
    [[], []],
  ]
  for (const { path } of frames.slice(0, 50)) {
    const file = openFits(path)
    try {
      const table = readTable(file.hdus.find(({ name }) => name === 'CAT')!)
      const [magnitude, residual, kept] = ['CAT_MAG', 'ZP_RESID', 'ZP_USED'].map(
        (name) => column(table, name)?.values as ArrayLike<number>,
      )
      for (let i = 0; i < table.rows && magnitude; i++) {
        if (!Number.isFinite(residual![i])) continue
        const [x, y] = kept![i] ? used! : out!
        x.push(magnitude[i]!)
        y.push(residual![i]!)
      }
    } finally {
      file.close()
    }
  }
  const thin = ([x, y]: [number[], number[]]) => {
    const step = Math.ceil(x.length / MOST_POINTS) || 1
    return { x: x.filter((_, i) => i % step === 0), y: y.filter((_, i) => i % step === 0) }
  }
  const spread = [...used![1]].map(Math.abs).sort((a, b) => a - b)
  const reach = 1.5 * (spread[Math.floor(0.98 * spread.length)] ?? 0.1)
  return chart({
    ...{ title: 'Residuals of the zero points', x: { label: 'catalogue (mag)' } },
    y: { label: 'catalogue - calibrated (mag)', range: [-reach, reach] },
    series: [
      { kind: 'points', label: 'used', ...thin(used!) },
      { kind: 'points', label: 'set aside', marker: 'cross', ...thin(out!) },
      { kind: 'level', y: 0, colour: '#000000' },
    ],
  })
}

const hasTime = (frames: readonly SeriesFrame[]) => frames.every(({ mjd }) => Number.isFinite(mjd))

function zeroFigure(frames: readonly SeriesFrame[]): Figure {
  const filters = [...new Set(frames.map(({ filter }) => filter))].sort()
  const timed = hasTime(frames)
  return chart({
    title: 'Zero points',
    x: timed ? { label: 'UTC', time: true } : { label: 'frame' },
    y: { label: 'zero point (mag)' },
    series: filters.map((filter) => {
      const own = frames.map((frame, k) => ({ frame, k })).filter(({ frame }) => frame.filter === filter)
      return {
        ...{ kind: 'points' as const, label: filter || 'no filter' },
        x: own.map(({ frame, k }) => (timed ? frame.mjd : k + 1)),
        ...{ y: own.map(({ frame }) => frame.zero), error: own.map(({ frame }) => frame.zeroError) },
      }
    }),
  })
}

function scatterFigure({ filter, indices, ensemble, frames, calibrated }: Curves): Figure {
  const shown = indices
    .map((of, j) => ({ ...of, j }))
    .filter(({ points, scatter }) => points >= 0.7 * frames.length && scatter > 0)
  const of = (stars: typeof shown) => ({
    x: stars.map(({ mean }) => mean),
    y: stars.map(({ scatter }) => 1000 * scatter),
  })
  const order = [...shown].sort((a, b) => a.mean - b.mean)
  return chart({
    title: `Scatter of light curves${filter ? `, ${filter}` : ''}`,
    x: { label: calibrated ? 'magnitude' : 'instrumental magnitude' },
    y: { label: 'robust scatter (mmag)', log: true },
    series: [
      { kind: 'points', label: 'stars', ...of(shown.filter(({ j }) => !ensemble.comparison[j])) },
      { kind: 'points', label: 'comparison stars', ...of(shown.filter(({ j }) => ensemble.comparison[j])) },
      {
        kind: 'line',
        label: 'expected',
        x: order.map(({ mean }) => mean),
        y: order.map(({ expected }) => 1000 * expected),
      },
    ],
  })
}

function curveFigure(
  name: string,
  { filter, calibrated }: Curves,
  frames: readonly SeriesFrame[],
  points: readonly Point[],
): Figure {
  const timed = hasTime(frames)
  const at = (point: Point) => (timed ? frames[point.frame]!.mjd : point.frame + 1)
  const seen = points.filter(({ magnitude }) => magnitude !== undefined)
  const limits = points.filter(({ limit }) => limit !== undefined)
  return chart({
    title: `${name}${filter ? `, ${filter}` : ''}`,
    x: timed ? { label: 'UTC', time: true } : { label: 'frame' },
    y: { label: calibrated ? 'magnitude' : 'differential magnitude', inverted: true },
    series: [
      {
        kind: 'points',
        label: 'measured',
        x: seen.map(at),
        y: seen.map(({ magnitude }) => magnitude!),
        error: seen.map(({ error }) => error!),
      },
      ...(limits.length > 0
        ? [
            {
              kind: 'points' as const,
              label: 'fainter than',
              marker: 'cross' as const,
              x: limits.map(at),
              y: limits.map(({ limit }) => limit!),
            },
          ]
        : []),
    ],
  })
}
