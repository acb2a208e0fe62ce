import { join } from 'node:path'
import { openFits, readTable } from '@nightpipe/fits'
import { random } from '@nightpipe/math'
import { writeFrame } from '@nightpipe/scenes'
import t, { type Test } from 'tap'
import { stacking } from './support.js'

const SIZE = 560
const OVER = 4

/** Light per square pixel at r² from the middle of a star. */
type Profile = (r2: number) => number

function moffat(fwhm: number, exponent: number): Profile {
  const a2 = fwhm ** 2 / 4 / (2 ** (1 / exponent) - 1)
  return (r2) => ((exponent - 1) / (Math.PI * a2)) * (1 + r2 / a2) ** -exponent
}

function gaussian(fwhm: number): Profile {
  const s2 = fwhm ** 2 / (8 * Math.LN2)
  return (r2) => Math.exp(-r2 / (2 * s2)) / (2 * Math.PI * s2)
}

/** A twentieth of the light in a halo of the optics, the same whatever the seeing. */
const withHalo = (fwhm: number): Profile => {
  const [core, halo] = [moffat(fwhm, 4.5), moffat(10, 2)]
  return (r2) => 0.95 * core(r2) + 0.05 * halo(r2)
}

/** Over the pixel that has its middle at (u, v) from the star. */
function overPixel(profile: Profile, u: number, v: number): number {
  if (u * u + v * v > 64) return profile(u * u + v * v)
  let sum = 0
  for (let j = 0; j < OVER; j++) {
    for (let i = 0; i < OVER; i++) {
      sum += profile((u + (i + 0.5) / OVER - 0.5) ** 2 + (v + (j + 0.5) / OVER - 0.5) ** 2)
    }
  }
  return sum / OVER ** 2
}

/** 100 stars of 2e5 to 2e6 electrons that stand alone, on a sky of 300: `part` of their light, through this profile. */
function exposed(profile: Profile, part: number, seed: number): Float32Array {
  const { uniform } = random(7)
  const { normal } = random(seed)
  const pixels = new Float32Array(SIZE * SIZE)
  for (let k = 0; k < 100; k++) {
    const [x, y] = [50 + 50 * (k % 10) + 6 * uniform(), 50 + 50 * Math.floor(k / 10) + 6 * uniform()]
    const flux = part * 2e5 * 10 ** uniform()
    const [cx, cy] = [Math.round(x), Math.round(y)]
    for (let v = Math.max(0, cy - 60); v <= Math.min(SIZE - 1, cy + 60); v++) {
      for (let u = Math.max(0, cx - 60); u <= Math.min(SIZE - 1, cx + 60); u++) {
        pixels[v * SIZE + u] += flux * overPixel(profile, u - x, v - y)
      }
    }
  }
  return pixels.map((value) => value + 300 + Math.sqrt(value + 325) * normal())
}

const WIDTHS = [2.6, 2.9, 3.3, 3.7]
const PARTS = [1, 0.93, 1.08, 0.85]

/** Stacks the frames of a folder, and asks that their scales be those with which they were made. */
function stackAndCompare(t: Test, cwd: string): void {
  const { code, stderr } = stacking('-s', join(cwd, 'ali'), '-r', join(cwd, 'deep'))
  t.equal(code, 0, stderr)
  const file = openFits(join(cwd, 'deep/stack_M67.fits'))
  const { columns } = readTable(file.hdus.find(({ name }) => name === 'FRAMES')!)
  const values = (name: string) => columns.find((column) => column.name === name)!.values as Float64Array
  const [scales, errors] = [values('SCALE'), values('SCALEERR')]
  const reference = scales.indexOf(1)
  for (const [k, part] of PARTS.entries()) {
    const off = (scales[k] * part) / PARTS[reference] - 1
    t.ok(Math.abs(off) < 1e-3, `${WIDTHS[k]} px: off by ${off}`)
    t.ok(Math.abs(off) <= 3 * errors[k], `within its error, ${errors[k]}`)
    t.ok(errors[k] < 2e-3, `which is small: ${errors[k]}`)
  }
  file.close()
}

for (const [kind, profile] of [
  ['Moffat profiles of exponent 3.5', (fwhm: number) => moffat(fwhm, 3.5)],
  ['broad wings, of exponent 2.7', (fwhm: number) => moffat(fwhm, 2.7)],
  ['Gaussians', gaussian],
  ['a halo of the optics', withHalo],
] as const) {
  t.test(`scales are true to 0.1 % whatever the seeing: ${kind}`, async (t) => {
    const cwd = t.testdir()
    for (const [k, fwhm] of WIDTHS.entries()) {
      const pixels = exposed(profile(fwhm), PARTS[k], 40 + k)
      writeFrame(join(cwd, `ali/f${k}.fits`), pixels, SIZE, { cards: [['ALIGNREF', 'f0.fits']] })
    }
    stackAndCompare(t, cwd)
  })
}

/** Tracks of particles that nobody has found: 200 to 20 000 electrons in each of some pixels. */
function struck(pixels: Float32Array, tracks: number, seed: number): Float32Array {
  const { uniform } = random(seed)
  for (let k = 0; k < tracks; k++) {
    const [x, y, angle, length] = [SIZE * uniform(), SIZE * uniform(), 7 * uniform(), 12 * uniform()]
    const charge = 200 * 100 ** uniform()
    for (let d = 0; d < length; d++) {
      const [u, v] = [Math.floor(x + d * Math.cos(angle)), Math.floor(y + d * Math.sin(angle))]
      if (u >= 0 && v >= 0 && u < SIZE && v < SIZE) pixels[v * SIZE + u] += charge
    }
  }
  return pixels
}

t.test('scales are true to 0.1 % where particles have hit the surroundings of the stars', async (t) => {
  const cwd = t.testdir()
  for (const [k, fwhm] of WIDTHS.entries()) {
    const pixels = struck(exposed(moffat(fwhm, 3.5), PARTS[k], 40 + k), 250, 90 + k)
    writeFrame(join(cwd, `ali/f${k}.fits`), pixels, SIZE, { cards: [['ALIGNREF', 'f0.fits']] })
  }
  stackAndCompare(t, cwd)
})

t.test('what only one frame shows is no star to compare frames with', async (t) => {
  const cwd = t.testdir()
  for (const [k, fwhm] of WIDTHS.entries()) {
    const pixels = exposed(moffat(fwhm, 3.5), PARTS[k], 40 + k)
    // between the stars, where a frame has been hit by what looks like brighter ones
    for (let n = 0; n < 60; n++) {
      const at = (75 + 50 * (n % 9)) * SIZE + 75 + 50 * Math.floor(n / 9) + 6 * k
      for (const [step, charge] of [
        [0, 1],
        [1, 0.6],
        [-1, 0.6],
        [SIZE, 0.6],
        [-SIZE, 0.6],
      ])
        pixels[at + step] += 5e5 * charge
    }
    writeFrame(join(cwd, `ali/f${k}.fits`), pixels, SIZE, { cards: [['ALIGNREF', 'f0.fits']] })
  }
  stackAndCompare(t, cwd)
})
