import { type Extinction, extinctionOf } from './extinction.js'
import type { Curves } from './light-curves.js'
import type { Linked } from './link-stars.js'
import type { SeriesFrame } from './read-product.js'
import { forcedPoints, nameStars, type Point, pointsOf } from './target-curves.js'

const cell = (value: number | undefined, digits: number) =>
  value === undefined || !Number.isFinite(value) ? '' : value.toFixed(digits)

const AIR_HEAD = [
  ...['filter', 'zero_point_mag', 'zero_point_error_mag', 'extinction_mag', 'extinction_error_mag'],
  ...['scatter_mag', 'frames', 'clear_frames', 'least_airmass', 'most_airmass'],
]

/** extinction.csv: a row for each filter whose airmasses tell it; the zero point is that at airmass 1. */
export const airRows = (found: readonly Extinction[]): string[][] => [
  AIR_HEAD,
  ...found.map((air) => [
    ...[air.filter, cell(air.zero, 5), cell(air.zeroError, 5), cell(air.coefficient, 5), cell(air.coefficientError, 5)],
    ...[cell(air.scatter, 5), String(air.frames), String(air.clear), cell(air.least, 4), cell(air.most, 4)],
  ]),
]

/** zeropoints.csv, what the air takes in each filter, and a line that tells it. */
export function zeroRows(frames: readonly SeriesFrame[]): {
  table: string[][]
  air: Extinction[]
  extinction: string[]
} {
  const found = extinctionOf(frames)
  const head = [
    'frame',
    'filter',
    'mjd',
    'airmass',
    'exposure_s',
    'seeing_px',
    'zero_point_mag',
    'error_mag',
    'above_air_mag',
    'limit_mag',
  ]
  const table = frames.map((frame) => {
    const air = found.find(({ filter }) => filter === frame.filter)
    const above = air && frame.zero + air.coefficient * frame.airmass
    return [
      ...[
        frame.name,
        frame.filter,
        cell(frame.mjd, 8),
        cell(frame.airmass, 4),
        cell(frame.exposure, 3),
        cell(frame.seeing, 3),
      ],
      ...[cell(frame.zero, 5), cell(frame.zeroError, 5), cell(above, 5), cell(frame.limit, 3)],
    ]
  })
  const extinction = found.map(
    ({ filter, zero, zeroError, coefficient, coefficientError, clear, frames: of }) =>
      `${filter || 'no filter'}: ${zero.toFixed(4)} +- ${zeroError.toFixed(4)} mag at airmass 1, extinction ${coefficient.toFixed(4)} +- ${coefficientError.toFixed(4)} mag, from ${clear} of ${of} frames`,
  )
  return { table: [head, ...table], air: found, extinction }
}

/** The targets: those that are linked stars, and those that are only forced. */
export interface TargetNames {
  stars: Map<number, string>
  forced: string[]
}

export function targetNames(frames: readonly SeriesFrame[], linked: Linked): TargetNames {
  const named = nameStars(frames, linked)
  const all = [...new Set(frames.flatMap(({ targets }) => targets.map(({ name }) => name)))]
  return {
    stars: new Map([...named].map(([name, star]) => [star, name])),
    forced: all.filter((name) => !named.has(name)),
  }
}

export const starName = (star: number, { stars }: TargetNames) =>
  stars.get(star) ?? `S${String(star + 1).padStart(5, '0')}`

const STAR_HEAD = [
  ...[
    'star',
    'filter',
    'ra_deg',
    'dec_deg',
    'x_px',
    'y_px',
    'points',
    'mag',
    'mag_error',
    'deviation_mag',
    'scatter_mag',
  ],
  ...[
    'expected_mag',
    'restlessness',
    'chi_square',
    'von_neumann',
    'stetson_j',
    'amplitude_mag',
    'comparison',
    'calibrated',
    'flux',
  ],
]

/** stars.csv: a row for each star in each filter. Pixels are of the reference frame, from 1. */
export function starRows(curves: readonly Curves[], linked: Linked, names: TargetNames): string[][] {
  const rows = curves.flatMap((set) =>
    set.indices.flatMap((of, star) => {
      if (of.points === 0) return []
      return [
        [
          ...[starName(star, names), set.filter, cell(linked.ra[star], 7), cell(linked.dec[star], 7)],
          ...[cell(linked.x[star]! + 1, 3), cell(linked.y[star]! + 1, 3), String(of.points)],
          ...[cell(of.mean, 5), cell(of.error, 5), cell(of.deviation, 5), cell(of.scatter, 5), cell(of.expected, 5)],
          ...[
            cell(set.restlessness[star], 3),
            cell(of.chiSquare, 3),
            cell(of.neumann, 3),
            cell(of.stetson, 3),
            cell(of.amplitude, 4),
          ],
          ...[set.ensemble.comparison[star] ? 'yes' : 'no', set.calibrated ? 'yes' : 'no', set.source[star]!],
        ],
      ]
    }),
  )
  return [STAR_HEAD, ...rows]
}

const CURVE_HEAD = [
  'star',
  'filter',
  'frame',
  'mjd',
  'mag',
  'error_mag',
  'upper_limit_mag',
  'flags',
  'forced',
  'calibrated',
]

/** lightcurves.csv: a row for each star in each frame that it lies in. A star that is not seen has a limit, no magnitude. */
export function curveRows(
  curves: readonly Curves[],
  frames: readonly SeriesFrame[],
  linked: Linked,
  names: TargetNames,
  significance: number,
): string[][] {
  const rows: string[][] = [CURVE_HEAD]
  for (const set of curves) {
    const add = (name: string, points: readonly Point[], forced: string) => {
      for (const { frame: k, magnitude, error, limit, flags } of points) {
        const frame = frames[k]!
        rows.push([
          ...[name, set.filter, frame.name, cell(frame.mjd, 8), cell(magnitude, 5), cell(error, 5), cell(limit, 3)],
          ...[String(flags), forced, set.calibrated ? 'yes' : 'no'],
        ])
      }
    }
    for (let star = 0; star < linked.count; star++) {
      if (set.indices[star]!.points > 0) add(starName(star, names), pointsOf(star, set, frames, linked), 'no')
    }
    for (const name of names.forced) add(name, forcedPoints(name, set, frames, significance), 'yes')
  }
  return rows
}
