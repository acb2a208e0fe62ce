// Profiles of a spectrograph that are wrong: an arc is then solved rightly, or refused, and never solved wrongly.
import { readFileSync } from 'node:fs'
import { random } from '@nightpipe/math'
import t from 'tap'
import { identifyLines, type RoughSpectrograph } from '../src/identify.js'
import { parseLineList, polynomialWavelength, type SpectralLine } from '../src/index.js'

const LIST = parseLineList(readFileSync(new URL('../../../../../configs/lines/thar.csv', import.meta.url), 'utf8'))
const [WIDTH, FWHM, ORDERS, FIRST, CONSTANT] = [2048, 4.2, 30, 62, 570000]
/** 2.2 km/s a pixel in the middle. */
const RIGHT: RoughSpectrograph = { firstOrder: FIRST, orderStep: 1, orderConstant: 572000, pixelVelocity: 2.18 }

/** Vacuum wavelength, Angstrom: orders 62 to 91 of a grating, a little bent. */
function wavelengthAt(index: number, x: number): number {
  const u = (x - WIDTH / 2) / (WIDTH / 2)
  const v = (index - 15) / 15
  const along = 0.0075 * u * (1 + 0.018 * u - 0.013 * u * u + 0.002 * v * u)
  return (CONSTANT / (FIRST + index)) * (1 + along + 0.00004 * v * v + 0.00009 * v)
}

function placeOf(index: number, wavelength: number): number {
  let [low, high] = [0, WIDTH - 1]
  while (high - low > 1e-4) {
    const middle = (low + high) / 2
    if (wavelengthAt(index, middle) < wavelength) low = middle
    else high = middle
  }
  return low
}

/** The lines of a lamp that shows a tenth of the list, of brightness as it comes; some lines that the list does not know. */
function arc(seed: number): SpectralLine[] {
  const draw = random(seed)
  const light = LIST.wavelength.map(() => Math.exp(1.5 * draw.normal()))
  return Array.from({ length: ORDERS }, (_, index) => {
    const [from, to] = [wavelengthAt(index, 0), wavelengthAt(index, WIDTH - 1)]
    const seen = [...LIST.wavelength.keys()].flatMap((k) => {
      const wavelength = LIST.wavelength[k]!
      return wavelength > from && wavelength < to && light[k]! > 1.8
        ? [{ x: placeOf(index, wavelength), flux: light[k]! }]
        : []
    })
    const strange = Array.from({ length: 5 }, () => ({ x: WIDTH * draw.uniform(), flux: 2.2 }))
    return [...seen, ...strange]
      .sort((a, b) => a.x - b.x)
      .map(({ x, flux }) => {
        const error = 0.08 / Math.sqrt(flux)
        const known = { index, fibre: 0, x: x + error * draw.normal(), error }
        return { ...known, flux: 1000 * flux, fluxError: 30, fwhm: FWHM, chiSquare: 1, flags: 0 }
      })
  }).flat()
}

/** The largest error of the wavelengths, m/s; undefined where there are none. */
function miss(lines: readonly SpectralLine[], rough: RoughSpectrograph): number | undefined {
  const found = identifyLines(lines, LIST, { width: WIDTH, fwhm: FWHM, rough })
  if ('problem' in found) return undefined
  const errors = Array.from({ length: ORDERS }, (_, index) =>
    [100, 1024, 1950].map((x) => {
      const right = wavelengthAt(index, x)
      return Math.abs((polynomialWavelength(found.polynomial, index, x) - right) / right) * 299792458
    }),
  ).flat()
  return Math.max(...errors)
}

const LINES = arc(5)
const percent = (of: number, by: number) => of * (1 + by / 100)

t.test('the right numbers, nearly: solved', async (t) => {
  t.ok(LINES.length > 500 && LINES.length < 900, `${LINES.length} lines`)
  for (const rough of [
    RIGHT,
    ...[-3].map((by) => ({ ...RIGHT, firstOrder: FIRST + by })),
    ...[3].map((by) => ({ ...RIGHT, orderConstant: percent(CONSTANT, by) })),
  ]) {
    const off = miss(LINES, rough)
    t.ok(off !== undefined && off < 300, `${JSON.stringify(rough)}: ${off?.toFixed(0)} m/s`)
  }
})

t.test(
  'a dispersion that is wrong by a tenth or more: solved rightly or refused, not fitted where it happens to be right',
  async (t) => {
    for (const by of [12]) {
      const off = miss(LINES, { ...RIGHT, pixelVelocity: percent(2.2, by) })
      t.ok(off === undefined || off < 300, `${by} %: ${off === undefined ? 'refused' : `${off.toFixed(0)} m/s`}`)
    }
  },
)
