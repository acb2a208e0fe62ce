import { join } from 'node:path'
import { numberOf, readFrame, textOf } from '@nightpipe/fits'
import { MaskBit } from '@nightpipe/image'
import { type Extra, expose, sky, turn, writeFrame } from '@nightpipe/scenes'
import t from 'tap'
import { saturatedSquares, spotsOf } from '../src/saturated-spots.js'
import { stacking } from './support.js'

const SIZE = 300
const FULL = 15000
const CARDS: Extra['cards'] = [
  ['ALIGNREF', 'f0.fits'],
  ['FILTER', 'r'],
  ['SATURATE', FULL],
]
/** Full width at half maximum of the stars of each frame: two sharp ones in which a star saturates, two in which it does not. */
const WIDTHS = [2.6, 4.2, 2.7, 4]
const STAR = { x: 150.2, y: 149.7, flux: 2e5 }

for (const masked of [true, false]) {
  t.test(
    `a star that saturates when the seeing is good keeps its light (${masked ? 'with' : 'no'} masks)`,
    async (t) => {
      const cwd = t.testdir()
      const others = sky(5, 60, SIZE).stars.filter(({ x, y }) => Math.hypot(x - STAR.x, y - STAR.y) > 40)
      const stars = [STAR, ...others.map((star) => ({ ...star, flux: 2 * Math.min(star.flux, 2e4) }))]
      WIDTHS.forEach((fwhm, k) => {
        const pixels = expose({ width: SIZE, height: SIZE, stars, fwhm, level: 200, noise: 5 }, turn(0, 0, 0), 60 + k)
        const mask = Int16Array.from(pixels, (value) => (value >= FULL ? MaskBit.saturated : 0))
        const clipped = pixels.map((value) => Math.min(value, FULL))
        writeFrame(join(cwd, `ali/f${k}.fits`), clipped, SIZE, { cards: CARDS, ...(masked ? { mask } : {}) })
      })
      const { code, stderr } = stacking('-s', join(cwd, 'ali'), '-r', join(cwd, 'deep'))
      t.equal(code, 0, stderr)
      const { pixels, mask, header } = readFrame(join(cwd, 'deep/stack_M67_r.fits'))
      const level = numberOf(header, 'SKYLEV')!
      let flux = 0
      for (let v = 136; v <= 164; v++) {
        for (let u = 136; u <= 164; u++)
          if (Math.hypot(u - STAR.x, v - STAR.y) < 14) flux += pixels[v * SIZE + u] - level
      }
      // photons and the noise of 600 pixels are 0.3 %, the scale as much; cores of the broad frames alone lose 5 %
      t.ok(Math.abs(flux / STAR.flux - 1) < 0.01, `${flux / STAR.flux}, as in ${textOf(header, 'STACKREF')}`)
      t.equal(mask![150 * SIZE + 150], 0)
    },
  )
}

const CARD = { x0: 0, y0: 0, ceiling: 100 }

function squaresOf(full: readonly (readonly [x: number, y: number])[], bits: number = MaskBit.saturated): Int32Array {
  const mask = new Int16Array(10000)
  for (const [x, y] of full) mask[y * 100 + x] = bits
  return saturatedSquares({ pixels: new Float32Array(10000), width: 100, height: 100, mask }, CARD)
}

t.test(
  'saturated pixels are told by squares; those of bad and hit pixels, and of frames full of them, are not',
  async (t) => {
    t.same([...squaresOf([[20, 30]])], [20, 30, 20, 30])
    t.same(
      [
        ...squaresOf([
          [23, 30],
          [24, 31],
        ]),
      ],
      [23, 30, 23, 30, 24, 31, 24, 31],
    )
    t.equal(squaresOf([[20, 30]], MaskBit.saturated | MaskBit.cosmicRay).length, 0)
    t.equal(squaresOf(Array.from({ length: 150 }, (_, k) => [k % 100, Math.floor(k / 100)])).length, 0)
    const pixels = new Float32Array(10000)
    pixels[4020] = 100
    t.same([...saturatedSquares({ pixels, width: 100, height: 100 }, { ...CARD, x0: 7, y0: -2 })], [27, 38, 27, 38])
  },
)

t.test('frames are left out where others have enough of the light, and nowhere else', async (t) => {
  const frame = (weight: number, full: readonly (readonly [x: number, y: number])[]) =>
    ({
      frame: { x0: 0, y0: 0, width: 100, height: 100 },
      stars: { seeing: 3 },
      weight,
      saturated: squaresOf(full),
    }) as never
  const one = frame(1, [[20, 30]])
  t.same(spotsOf([one, frame(1, [])]), [{ x: 20, y: 30, radius: 9, planes: [0] }])
  t.same(spotsOf([one, frame(0.1, [])]), [])
  t.same(spotsOf([one, frame(1, [[20, 30]])]), [])
  const other = frame(1, [])
  t.same(spotsOf([one, one, one, other]), [], 'a frame alone among four')
  t.same(spotsOf([one, one, other, other])[0].planes, [0, 1])
  // one star, though its saturated pixels lie in two squares
  const [left, right] = spotsOf([frame(1, [[23, 30]]), frame(1, [[24, 30]]), frame(1, [])])
  t.same(
    [left.planes, right.planes],
    [
      [0, 1],
      [0, 1],
    ],
  )
})
