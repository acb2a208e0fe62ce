import t from 'tap'
import { isPartial } from '../src/seams.js'

const SIDE = 200
/** Six frames everywhere, five to the left of column 80, three in a disc about (140, 100). */
const coverage = Float32Array.from({ length: SIDE * SIDE }, (_, p) => {
  const [x, y] = [p % SIDE, Math.floor(p / SIDE)]
  return Math.hypot(x - 140, y - 100) < 9 ? 3 : x < 80 ? 5 : 6
})
const stack = { coverage, width: SIDE, height: SIDE }
const FWHM = 3

t.test('a star is a part of a stack where frames are missing at it, not where all about has as few', async (t) => {
  const partial = isPartial(stack, FWHM)
  t.ok(partial(140, 100), 'where it was saturated in some frames')
  t.ok(partial(147, 100), 'in the wing of such a star')
  t.notOk(partial(110, 100), 'with all frames')
  t.ok(partial(76, 100), 'beside the edge of a frame')
  t.notOk(partial(30, 100), 'far from it, where one frame has nothing')
  t.notOk(partial(30, 2), 'at the edge of the stack')
})

t.test('a single frame has no parts', async (t) => {
  t.notOk(isPartial({ width: SIDE, height: SIDE }, FWHM)(140, 100))
})
