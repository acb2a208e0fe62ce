import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { numberOf, openFits, readFrame, readPixels } from '@nightpipe/fits'
import { MaskBit } from '@nightpipe/image'
import { allocate } from '@nightpipe/kernels'
import { type Extra, expose, sky, turn, writeFrame } from '@nightpipe/scenes'
import t from 'tap'
import { grownSpots } from '../src/grow.js'
import { leaveOutGrown } from '../src/leave-out.js'
import { stacking } from './support.js'

const SIZE = 256
const HERE = turn(0, 0, 0)
const CARDS: Extra['cards'] = [
  ['ALIGNREF', 'f0.fits'],
  ['FILTER', 'r'],
]
const FWHM = 3
/** A trail of a satellite as wide as stars, 40 times the noise in its middle, with the wings of a Moffat profile of exponent 3. */
const PEAK = 800
const distance = (p: number) => Math.abs(0.4 * (p % SIZE) + 40 - Math.floor(p / SIZE)) / Math.hypot(1, 0.4)
const trail = (p: number) => PEAK * (1 + (distance(p) / (0.98 * FWHM)) ** 2) ** -2.5
/** A star that the trail goes over. */
const STAR = { x: 120, y: 88, flux: 60_000 }

function night(folder: string, satellite: boolean): void {
  const stars = [...sky(3, 50, SIZE).stars.filter(({ x, y }) => Math.hypot(x - STAR.x, y - STAR.y) > 25), STAR]
  for (let k = 0; k < 4; k++) {
    const pixels = expose({ width: SIZE, height: SIZE, stars, fwhm: FWHM, level: 300, noise: 10 }, HERE, 70 + k)
    const more = k === 2 && satellite
    writeFrame(join(folder, `f${k}.fits`), more ? pixels.map((value, p) => value + trail(p)) : pixels, SIZE, {
      cards: CARDS,
    })
  }
}

t.test('a satellite takes its wings along, and its frame from the stars that it goes over', async (t) => {
  const cwd = t.testdir()
  night(join(cwd, 'with'), true)
  night(join(cwd, 'without'), false)
  const stackOf = (name: string, ...more: string[]) => {
    const { code, stderr } = stacking('-s', join(cwd, name), '-r', join(cwd, `${name}-deep`), ...more)
    t.equal(code, 0, stderr)
    return join(cwd, `${name}-deep/stack_M67_r.fits`)
  }
  const path = stackOf('with', '--workers', '1')
  const made = readFileSync(path)
  const [seen, clean] = [readFrame(path), readFrame(stackOf('without'))]
  const level = (frame: typeof seen) => numberOf(frame.header, 'SKYLEV')!
  const file = openFits(path)
  const coverage = readPixels(file.hdus.find(({ name }) => name === 'COVERAGE')!)
  file.close()
  let [n, excess, error] = [0, 0, 0]
  let covered = 0
  for (let p = 0; p < seen.pixels.length; p++) {
    if (distance(p) < 3 || distance(p) > 9) continue
    n++
    excess += seen.pixels[p] - level(seen) - (clean.pixels[p] - level(clean))
    error += seen.error![p]
    covered += coverage[p]
  }
  // with the wings in the stack this is 0.6; the level of the sky itself is known to 0.01
  t.ok(Math.abs(excess / error) < 0.05, `${excess / error} sigma of a pixel`)
  t.ok(covered / n < 3.5, `${covered / n} frames there`)
  t.equal(coverage[STAR.y * SIZE + STAR.x], 3)
  let [flux, noise] = [0, 0]
  for (let p = 0; p < seen.pixels.length; p++) {
    if (Math.hypot((p % SIZE) - STAR.x, Math.floor(p / SIZE) - STAR.y) > 8) continue
    flux += seen.pixels[p] - level(seen)
    noise += seen.error![p] ** 2
  }
  t.ok(Math.abs(flux - STAR.flux) < 4 * Math.sqrt(noise) + 0.005 * STAR.flux, `${flux} of ${STAR.flux}`)
  t.ok(made.equals(readFileSync(stackOf('with', '--workers', '2', '--memory', '64MB', '--force'))), 'the same bytes')
})

t.test('a frame that is unlike the others all over is not eaten', async (t) => {
  const frames = [{ frame: { width: 100, height: 100 }, stars: { seeing: 3 } }] as never
  const canvas = { x0: 5, y0: -3, width: 100, height: 100 }
  const cells = (n: number) => Array.from({ length: n }, (_, k) => [0, k % 25, 2 * Math.floor(k / 25), 30] as const)
  t.equal(grownSpots(cells(32) as never, frames, canvas).length, 0)
  const [spot] = grownSpots(cells(1) as never, frames, canvas)
  t.match(spot, { x: 6.5, y: -1.5, planes: [0] })
  // a Moffat profile of exponent 3 summed along a line is at 0.3 of 30 in its middle
  t.ok(Math.abs(30 * (1 + ((spot.radius - 2) / (0.98 * 3)) ** 2) ** -2.5 - 0.3) < 0.01, `${spot.radius}`)
})

t.test('where fewer than three frames would be left, what stands out is left to the clip', async (t) => {
  const sample = (place: number) => ({
    place,
    plane: { ceiling: Number.POSITIVE_INFINITY },
    ...{ pixels: allocate(Float32Array, 100).fill(1), mask: allocate(Int16Array, 100).fill(0) },
  })
  const spot = (x: number, plane: number) => ({ x, y: 5, radius: 1, planes: [plane] })
  const canvas = { x0: 0, y0: 0, width: 10, height: 10 }
  const samples = [0, 1, 2, 3].map(sample)
  leaveOutGrown(samples as never, [spot(2, 0), spot(7, 0), spot(7, 1)], canvas, [0, 10], 0xff)
  t.same(
    samples.map(({ mask }) => [mask[52], mask[57]]),
    [
      [MaskBit.noData, 0],
      [0, 0],
      [0, 0],
      [0, 0],
    ],
  )
})
