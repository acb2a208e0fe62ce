import { LIGHT_SPEED_KM } from '@nightpipe/math'
import { chart, type Figure, type Series, stacked } from '@nightpipe/plot'
import { type OrderSpectrum, SpectrumBit } from '@nightpipe/spectra'
import type { StarExposure } from '@nightpipe/spectrographs'
import type { StarVelocity } from './job.js'

const km = (values: ArrayLike<number>) => Array.from(values, (v) => v / 1000)

/** Windows that an astronomer looks at: vacuum, Angstrom. */
const REGIONS = [
  ['Ca II H', 3969.6, 12],
  ['Mg b', 5176, 14],
  ['Na D', 5894.5, 12],
  ['H alpha', 6564.6, 16],
  ['Li', 6709.7, 8],
] as const

/** Correlation, mean line, velocities of the orders, and lines that one looks at, of the first star (and a second). */
export function velocityFigure(name: string, exposure: StarExposure, stars: readonly StarVelocity[]): Figure {
  return stacked(
    stars.flatMap((star) => [
      ...(star.measured.by === 'none' ? [plain(name, exposure, star)] : chartsOf(name, star)),
      ...regionsOf(exposure, star),
    ]),
  )
}

function chartsOf(name: string, { circumstances, measured, errors, rv }: StarVelocity): Figure[] {
  const { correlation, line, velocity } = measured
  const said =
    rv === undefined ? `${(measured.z * LIGHT_SPEED_KM).toFixed(3)} km/s as seen` : `${(rv / 1000).toFixed(4)} km/s`
  const title = `${circumstances.object} (${name}, fibre ${circumstances.fibre}): ${said} +- ${errors.error.toFixed(1)} m/s`
  const out: Figure[] = []
  if (correlation) {
    const series: Series[] = [
      { kind: 'line', x: km(correlation.velocity), y: correlation.value, label: 'with the template' },
      { kind: 'position', x: correlation.peak / 1000, colour: '#888888' },
    ]
    out.push(panel(title, 'velocity as seen (km/s)', 'correlation', series))
  }
  if (line) {
    const series: Series[] = [
      { kind: 'line', x: km(line.velocity), y: line.value, label: `mean of ${line.lines} lines` },
    ]
    if (line.fit) series.push({ kind: 'position', x: line.fit.centre / 1000, colour: '#888888' })
    out.push(panel(correlation ? 'mean line' : title, 'velocity as seen (km/s)', 'over continuum', series))
  }
  if (velocity) out.push(ordersPanel(velocity))
  return out
}

function ordersPanel(velocity: NonNullable<StarVelocity['measured']['velocity']>): Figure {
  const of = (used: boolean) => velocity.orders.filter((one) => one.used === used)
  const points = (used: boolean): Series => ({
    ...{ kind: 'points', label: used ? 'orders' : 'set aside', marker: used ? 'disc' : 'cross' },
    x: of(used).map(({ index }) => index),
    y: of(used).map((one) => one.velocity - velocity.velocity),
    error: of(used).map(({ error }) => error),
  })
  const limit =
    5 *
    Math.max(
      1,
      ...of(true)
        .map(({ error }) => error)
        .sort((a, b) => a - b)
        .slice(0, Math.ceil(of(true).length * 0.8)),
    )
  const series: Series[] = [
    points(true),
    ...(of(false).length > 0 ? [points(false)] : []),
    { kind: 'level', y: 0, colour: '#888888' },
  ]
  return chart({
    ...{ title: 'velocities of the orders', x: { label: 'order (index)' }, series, height: 420 },
    y: { label: 'less RV (m/s)', range: [-limit, limit] },
  })
}

/** Of a star without a velocity: the light of its middle order. */
function plain(name: string, { spectra }: StarExposure, { circumstances: { fibre, object } }: StarVelocity): Figure {
  const orders = spectra.orders.filter((one) => one.fibre === fibre)
  const order = orders[orders.length >> 1]!
  const x = Array.from(order.flux.keys())
  return panel(`${object} (${name}, fibre ${fibre}): no velocity`, 'column of the middle order', 'electrons', [
    { kind: 'line', x, y: x.map((k) => goodFlux(order, k)) },
  ])
}

/** NaN lifts the pen: a column without a good pixel is no line of the star. */
const goodFlux = ({ flux, mask }: OrderSpectrum, x: number) =>
  (mask[x]! & ~SpectrumBit.telluric) === 0 ? flux[x]! : Number.NaN

/** The lines at rest (as seen, where the velocity is not known), as far as an order has them in its middle. */
function regionsOf({ spectra }: StarExposure, { circumstances, measured }: StarVelocity): Figure[] {
  return REGIONS.flatMap(([label, rest, half]) => {
    const z = measured.z || 0
    const seen = rest * (1 + z)
    const order = spectra.orders
      .filter((one) => one.fibre === circumstances.fibre && one.wavelength)
      .map((one) => ({ one, at: one.wavelength!.findIndex((w) => w >= seen) }))
      .filter(({ one, at }) => at > 20 && at < one.flux.length - 20)
      .sort((a, b) => Math.abs(a.at - a.one.flux.length / 2) - Math.abs(b.at - b.one.flux.length / 2))[0]?.one
    if (!order) return []
    const near = [...order.flux.keys()].filter((x) => Math.abs(order.wavelength![x]! - seen) < half)
    const x = near.map((k) => order.wavelength![k]! / (1 + z))
    return [
      panel(label, 'vacuum wavelength at rest (Angstrom)', 'electrons', [
        { kind: 'line', x, y: near.map((k) => goodFlux(order, k)) },
      ]),
    ]
  })
}

const panel = (title: string, x: string, y: string, series: Series[]) =>
  chart({ title, x: { label: x }, y: { label: y }, series, height: 420 })
