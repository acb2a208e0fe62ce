import { type Header, numberOf, textOf } from '@nightpipe/fits'
import { type Chart, chart, type Figure } from '@nightpipe/plot'
import { type OrderSpectrum, type Spectra, SpectrumBit } from '@nightpipe/spectra'
import type { BundleJob } from './plan.js'

/** The correlation of the first star with its template. */
export interface Correlation {
  /** km/s */
  velocities: ArrayLike<number>
  values: ArrayLike<number>
}

/** What observers look at: a line of each, vacuum, Angstrom. */
const LINES: readonly [string, number][] = [
  ['Mg b', 5174.1],
  ['H alpha', 6564.6],
  ['Na D', 5891.6],
  ['Ca H', 3969.6],
  ['Li', 6709.7],
]

/** Pages: an order with strong lines, the whole spectrum, signal to noise of the orders, lines of interest, the lamp. */
export function figuresOf(spectra: Spectra & { header: Header }, job: BundleJob, ccf?: Correlation): Figure[] {
  const title = titleOf(spectra.header, job)
  const [first] = job.stars.length ? job.stars : [spectra.orders[0]?.fibre ?? 0]
  const star = spectra.orders.filter(({ fibre }) => fibre === first)
  const lamp = spectra.orders.filter(({ fibre }) => fibre === job.arc)
  const pages: Chart[] = [...orderPages(star, title), wholePage(star, title), noisePage(star, title)]
  if (ccf) pages.push(correlationPage(ccf, spectra.header, title))
  const arc = middleOf(lamp)
  if (arc) pages.push(spectrumPage(arc, `lamp, order ${arc.order || arc.index}; ${title}`, arc.flux, 'flux (electron)'))
  return pages.map(chart)
}

function titleOf(header: Header, { target, name }: BundleJob): string {
  const number = (keyword: string, text: (value: number) => string) => {
    const value = numberOf(header, keyword)
    return value === undefined ? [] : [text(value)]
  }
  const date = textOf(header, 'DATE-OBS')?.slice(0, 19)
  return [
    ...[target ?? name, textOf(header, 'SITEID') ?? '', date ?? ''].filter(Boolean),
    ...number('EXPTIME', (s) => `${s} s`),
    ...number('SNR', (value) => `S/N ${value.toFixed(0)}`),
  ].join(', ')
}

const middleOf = (orders: readonly OrderSpectrum[]) => orders[orders.length >> 1]

/** The orders with lines of interest; where there are no wavelengths, the one in the middle. */
function orderPages(star: readonly OrderSpectrum[], title: string): Chart[] {
  const pages = LINES.flatMap(([name, at]) => {
    const holding = star.filter((one) => {
      const good = Array.from(one.wavelength ?? []).filter(Number.isFinite)
      return good.length > 0 && Math.min(...good) < at - 5 && Math.max(...good) > at + 5
    })
    const [best] = holding.sort((a, b) => distance(a, at) - distance(b, at))
    return best ? [{ ...spectrumPage(best, `${name}: ${title}`, normalised(best), 'flux over flat'), mark: at }] : []
  })
  const middle = middleOf(star)
  if (pages.length > 0 || !middle) return pages
  return [spectrumPage(middle, `order ${middle.order || middle.index}: ${title}`, normalised(middle), 'flux over flat')]
}

/** How far a wavelength is from the middle of an order. */
const distance = ({ wavelength }: OrderSpectrum, at: number) =>
  Math.abs((wavelength?.[wavelength.length >> 1] ?? 0) - at)

const isGood = (mask: number) => (mask & (SpectrumBit.noData | SpectrumBit.bad | SpectrumBit.saturated)) === 0

/** The flux over the flat, 1 near its highest. */
function normalised({ flux, blaze, mask }: OrderSpectrum): Float64Array {
  const ratio = flux.map((value, x) => {
    const response = blaze ? blaze[x]! : 1
    return isGood(mask[x]!) && response > 0.05 ? value / response : Number.NaN
  })
  const sorted = ratio.filter(Number.isFinite).sort()
  const top = sorted[Math.floor(0.95 * sorted.length)] || 1
  return ratio.map((value) => value / top)
}

function spectrumPage(one: OrderSpectrum, title: string, y: ArrayLike<number>, label: string): Chart {
  const waves = one.wavelength?.some(Number.isFinite) ? one.wavelength : undefined
  const x = waves ?? Float64Array.from(one.flux, (_, column) => column)
  return {
    title,
    x: { label: waves ? 'wavelength in vacuum (Å)' : 'column (px)' },
    y: { label },
    series: [{ kind: 'line', x, y }],
  }
}

function correlationPage({ velocities, values }: Correlation, header: Header, title: string): Chart {
  const [rv, error] = [numberOf(header, 'RV'), numberOf(header, 'RVERR')]
  const said =
    rv === undefined ? '' : `, RV ${(rv / 1000).toFixed(4)}${error ? ` ± ${(error / 1000).toFixed(4)}` : ''} km/s`
  return {
    title: `correlation: ${title}${said}`,
    x: { label: 'velocity against the template (km/s)' },
    y: { label: 'correlation' },
    series: [{ kind: 'line', x: velocities, y: values }],
  }
}

/** All orders one beside the other, thinned to what a page can show. */
function wholePage(star: readonly OrderSpectrum[], title: string): Chart {
  const every = Math.max(1, Math.round(((star[0]?.flux.length ?? 1) * star.length) / 8000))
  const series = star.map((one) => {
    const good = Array.from(one.flux, (value, x) => (isGood(one.mask[x]!) ? value : Number.NaN))
    const thin = good.filter((_, x) => x % every === 0)
    const position = (k: number) => one.wavelength?.[k * every] ?? one.index + (k * every) / one.flux.length
    return {
      kind: 'line',
      x: thin.map((_, k) => position(k)),
      y: thin,
      colour: one.index % 2 ? '#0072b2' : '#d55e00',
    } as const
  })
  const inWaves = star.some(({ wavelength }) => wavelength?.some(Number.isFinite))
  const x = { label: inWaves ? 'wavelength in vacuum (Å)' : 'index of the order' }
  return { title: `all orders: ${title}`, x, y: { label: 'flux (electron)' }, series }
}

/** Signal to noise of a column: the 90th percentile of each order. */
function noisePage(star: readonly OrderSpectrum[], title: string): Chart {
  const y = star.map(({ flux, uncertainty }) => {
    const ratio = Array.from(flux, (value, x) => value / uncertainty[x]!)
      .filter(Number.isFinite)
      .sort((a, b) => a - b)
    return ratio[Math.floor(0.9 * ratio.length)] ?? Number.NaN
  })
  const x = star.map(({ order, index }) => order || index)
  return {
    title: `signal to noise: ${title}`,
    x: { label: star.some(({ order }) => order > 0) ? 'diffraction order' : 'index of the order' },
    y: { label: 'S/N of a column (90 %)' },
    series: [{ kind: 'points', x, y }],
  }
}
