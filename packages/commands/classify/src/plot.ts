import { chart, type Figure, type Series, stacked } from '@nightpipe/plot'
import { type Found, summaryOf } from './found.js'

/** Angstrom of the spectrum that are shown, around lines that all cool stars have, or the middle of the best order. */
const SHOWN = 30
const TELLING = [5176, 6149, 4861, 6564.6]

/** Of each star: a piece of its spectrum with the fit, what is left over, and where it lies among the templates. */
export function classFigure(name: string, stars: readonly Found[]): Figure {
  return stacked(stars.flatMap((star) => [...spectrumCharts(name, star), ...placeCharts(star)]))
}

interface Piece {
  /** Angstrom, at rest */
  wave: number[]
  star: number[]
  fit: number[]
  /** star less fit, over one sigma */
  left: number[]
}

/** A piece of the spectrum, its continuum about 1. */
function pieceOf({ orders, z }: Found): Piece {
  const at = (u: number) => Math.exp(u) / (1 + z)
  const inside = (centre: number) =>
    orders.find(({ data: { u } }) => {
      const ends = [at(u[0]!), at(u.at(-1)!)].sort((a, b) => a - b)
      return centre > ends[0]! + SHOWN / 2 && centre < ends[1]! - SHOWN / 2
    })
  const line = TELLING.find((one) => inside(one))
  const order = (line && inside(line)) || orders[orders.length >> 1]!
  const { u, flux, root, used } = order.data
  const middle = line ?? at(u[u.length >> 1]!)
  const near = [...u.keys()]
    .filter((i) => Math.abs(at(u[i]!) - middle) < SHOWN / 2 && used[i] === 1 && Number.isFinite(order.fitted[i]!))
    .sort((a, b) => u[a]! - u[b]!)
  // the set is divided by polynomials through its lines: its own continuum lies a little above 1
  const highest = near.map((i) => order.fitted[i]! / order.continuum[i]!).sort((a, b) => a - b)
  const top = highest[Math.floor(0.95 * near.length)] ?? 1
  const over = (value: number, i: number) => value / order.continuum[i]! / top
  return {
    wave: near.map((i) => at(u[i]!)),
    star: near.map((i) => over(flux[i]!, i)),
    fit: near.map((i) => over(order.fitted[i]!, i)),
    left: near.map((i) => (flux[i]! - order.fitted[i]!) * root[i]!),
  }
}

function spectrumCharts(name: string, found: Found): Figure[] {
  const { wave, star, fit, left } = pieceOf(found)
  const x = { label: 'vacuum wavelength at rest (Angstrom)' }
  const who = `${found.object} (${name}, fibre ${found.fibre}): `
  const series: Series[] = [
    { kind: 'line', x: wave, y: star, label: 'star', colour: '#999999' },
    { kind: 'line', x: wave, y: fit, label: found.method === 'interpolated' ? 'fit' : 'nearest template' },
  ]
  const title = `${who}${summaryOf(found)}`
  const apart: Series[] = [
    { kind: 'points', x: wave, y: left, colour: '#0072b2' },
    { kind: 'level', y: 0, colour: '#888888' },
  ]
  const squares = (found.chiSquare / found.pixels).toFixed(2)
  return [
    chart({ title, x, y: { label: 'light over continuum' }, series, height: 460 }),
    chart({ title: `left over: chi square ${squares} a pixel`, x, y: { label: 'sigma' }, series: apart, height: 300 }),
  ]
}

const LABELS = { teff: 'Teff (K)', logg: 'log g', metallicity: '[Fe/H]' } as const

/** Temperature against gravity and against metals: the templates, the one that is most alike, and the star. */
function placeCharts(found: Found): Figure[] {
  const { fits, best, parameters, errors, limits } = found
  const varied = (name: 'teff' | 'logg' | 'metallicity') => fits.some((fit) => fit[name] !== best[name])
  const place = (name: 'teff' | 'logg' | 'metallicity') =>
    limits.find((limit) => limit.name === name)?.value ?? parameters[name]
  return (['logg', 'metallicity'] as const)
    .filter((name) => varied('teff') && varied(name))
    .map((name) => {
      const [x, y] = [place('teff'), place(name)]
      const reach = Number.isFinite(errors.teff) ? errors.teff : 0
      const series: Series[] = [
        {
          kind: 'points',
          label: 'templates',
          colour: '#999999',
          marker: 'ring',
          x: fits.map((fit) => fit.teff),
          y: fits.map((fit) => fit[name]),
        },
        { kind: 'points', label: 'most alike', colour: '#009e73', x: [best.teff], y: [best[name]] },
        { kind: 'line', colour: '#d55e00', x: [x - reach, x + reach], y: [y, y] },
        { kind: 'points', label: 'star', marker: 'cross', colour: '#d55e00', x: [x], y: [y], error: [errors[name]] },
      ]
      const title = `${LABELS.teff} and ${LABELS[name]}`
      return chart({
        title,
        x: { label: LABELS.teff },
        y: { label: LABELS[name], inverted: name === 'logg' },
        series,
        height: 460,
      })
    })
}
