import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createHeader, writeFits } from '@nightpipe/fits'
import { random } from '@nightpipe/math'
import { formatMjd, makeTan, tanHeaderCards } from '@nightpipe/sky'

/** A star of the night: magnitudes in two bands. */
export interface NightStar {
  x: number
  y: number
  g: number
  r: number
}

export interface NightFrame {
  name: string
  mjd: number
  /** Magnitudes that the air and clouds take. */
  lost: number
  fwhm: number
  /** Where the field has drifted to. */
  shift: [number, number]
  /** Magnitudes added to single stars: transits, flares; Infinity: it does not shine. */
  change?: Record<number, number>
  airmass?: number
  wcs?: boolean
}

export const SIDE = 320
/** Magnitude of one electron in a second, in the band r; how much a star of colour 1 gains. */
export const ZERO = 22
export const COLOUR_TERM = 0.08
export const GAIN = 1.5
const [EXPOSURE, SKY, READ_NOISE, BETA, SCALE] = [30, 120, 5, 3, 0.5]

/** Stars at random places, none closer than 12 pixels to another. */
export function nightStars(count: number, seed = 1): NightStar[] {
  const dice = random(seed)
  const stars: NightStar[] = []
  for (let attempt = 0; attempt < 100 * count && stars.length < count; attempt++) {
    const [x, y] = [20 + dice.uniform() * (SIDE - 40), 20 + dice.uniform() * (SIDE - 40)]
    if (stars.some((star) => Math.hypot(star.x - x, star.y - y) < 12)) continue
    const r = 12 + 6.5 * dice.uniform() ** 0.6
    stars.push({ x, y, r, g: r + 0.3 + 0.9 * dice.uniform() })
  }
  return stars
}

const tan = makeTan({ pixel: [SIDE / 2, SIDE / 2], sky: [150, 20], matrix: [-SCALE / 3600, 0, 0, SCALE / 3600] })

/** Where a star is in the sky, degrees. */
export const skyOf = ({ x, y }: NightStar) => tan.toSky(x, y)

/** Writes the frames with photon noise, the catalogue of the stars, and gives the truth. */
export function writeNight(folder: string, stars: readonly NightStar[], frames: readonly NightFrame[]) {
  mkdirSync(join(folder, 'frames'), { recursive: true })
  frames.forEach((frame, k) => {
    const pixels = expose(stars, frame, 100 + k)
    const plane = makeTan({ ...tan, pixel: [SIDE / 2 + frame.shift[0], SIDE / 2 + frame.shift[1]] })
    const header = createHeader([
      ...[
        ['BUNIT', 'adu'],
        ['FILTER', 'r'],
        ['EXPTIME', EXPOSURE],
        ['GAIN', GAIN],
        ['RDNOISE', READ_NOISE],
      ].map((card) => card as [string, string | number]),
      ['DATE-OBS', formatMjd(frame.mjd)],
      ...(frame.airmass ? [['AIRMASS', frame.airmass] as [string, number]] : []),
      ...(frame.wcs === false ? [] : (tanHeaderCards(plane) as [string, string | number, string][])),
    ])
    writeFits(join(folder, 'frames', `${frame.name}.fits`), [
      { kind: 'image', header, bitpix: -32, axes: [SIDE, SIDE], pixels },
    ])
  })
  const lines = stars.map(({ x, y, g, r }) =>
    [...tan.toSky(x, y).map((value) => value.toFixed(8)), g.toFixed(4), r.toFixed(4)].join(','),
  )
  writeFileSync(join(folder, 'catalogue.csv'), `ra_deg,dec_deg,g_mag,r_mag\n${lines.join('\n')}\n`)
}

/** Magnitude of one unit of a frame in a second, as photometry should find it, for a star of this colour. */
export const trueZero = (frame: NightFrame, colour: number) =>
  ZERO - frame.lost - 2.5 * Math.log10(GAIN) + COLOUR_TERM * colour

function expose(stars: readonly NightStar[], { fwhm, lost, shift, change }: NightFrame, seed: number): Float32Array {
  const light = new Float64Array(SIDE * SIDE).fill(SKY)
  const alpha = fwhm / 2 / Math.sqrt(2 ** (1 / BETA) - 1)
  stars.forEach(({ x: x0, y: y0, g, r }, star) => {
    const magnitude = r - COLOUR_TERM * (g - r) + lost + (change?.[star] ?? 0)
    const electrons = EXPOSURE * 10 ** (0.4 * (ZERO - magnitude))
    if (!(electrons > 0)) return
    const [x, y] = [x0 + shift[0], y0 + shift[1]]
    const peak = ((BETA - 1) / (Math.PI * alpha * alpha)) * electrons
    const reach = Math.ceil(Math.min(80, alpha * (peak / 0.02) ** (1 / (2 * BETA))))
    for (let v = Math.max(0, Math.round(y) - reach); v <= Math.min(SIDE - 1, Math.round(y) + reach); v++) {
      for (let u = Math.max(0, Math.round(x) - reach); u <= Math.min(SIDE - 1, Math.round(x) + reach); u++) {
        let sum = 0
        for (let j = -1; j <= 1; j++) {
          for (let i = -1; i <= 1; i++) sum += (1 + ((u + i / 3 - x) ** 2 + (v + j / 3 - y) ** 2) / alpha ** 2) ** -BETA
        }
        light[v * SIDE + u]! += (peak * sum) / 9
      }
    }
  })
  const dice = random(seed)
  return Float32Array.from(light, (electrons) => (dice.poisson(electrons) + READ_NOISE * dice.normal()) / GAIN)
}
