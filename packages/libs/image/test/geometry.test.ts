import t from 'tap'
import {
  bin,
  cropPixels,
  type Frame,
  intersect,
  MaskBit,
  ORIENTATIONS,
  orient,
  orientPoint,
  trim,
} from '../src/index.js'

function ramp(width: number, height: number): Frame {
  const pixels = Float32Array.from({ length: width * height }, (_, p) => p)
  return { name: 'ramp', width, height, pixels, error: pixels.map((v) => v / 10), mask: Int16Array.from(pixels) }
}

t.test('a section keeps its pixels, errors and masks, and one outside the frame is refused', async (t) => {
  const part = trim(ramp(5, 4), { x0: 1, y0: 2, x1: 4, y1: 4 })
  t.same([part.width, part.height], [3, 2])
  t.same([...part.pixels], [11, 12, 13, 16, 17, 18])
  t.same([...part.mask!], [11, 12, 13, 16, 17, 18])
  t.throws(() => cropPixels(new Float32Array(20), 5, { x0: 3, y0: 0, x1: 6, y1: 2 }), RangeError)
  t.throws(() => cropPixels(new Float32Array(20), 5, { x0: 3, y0: 0, x1: 3, y1: 2 }), RangeError)
  t.same(intersect({ x0: 0, y0: 0, x1: 4, y1: 4 }, { x0: 2, y0: 5, x1: 9, y1: 9 }), { x0: 2, y0: 5, x1: 4, y1: 5 })
})

t.test('each orientation puts every pixel where orientPoint says, at sizes that do not fill a tile', async (t) => {
  for (const [width, height] of [
    [1, 1],
    [3, 2],
    [33, 70],
  ]) {
    const frame = ramp(width, height)
    for (const orientation of ORIENTATIONS) {
      const turned = orient(frame, orientation)
      let wrong = 0
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const to = orientPoint(orientation, width, height, x, y)
          if (turned.pixels[to.y * turned.width + to.x] !== y * width + x) wrong++
        }
      }
      t.equal(wrong, 0, orientation)
    }
  }
})

t.test('four quarter turns, and two of any mirror, give the frame back', async (t) => {
  const frame = ramp(5, 3)
  const again = (times: number, orientation: (typeof ORIENTATIONS)[number]) => {
    let turned = frame
    for (let i = 0; i < times; i++) turned = orient(turned, orientation)
    return turned
  }
  t.same(again(4, 'rotate90'), frame)
  t.same(orient(again(1, 'rotate90'), 'rotate270'), frame)
  t.same(again(2, 'rotate90'), again(1, 'rotate180'))
  for (const mirror of ['flipX', 'flipY', 'transpose', 'antitranspose'] as const) t.same(again(2, mirror), frame)
  // counter-clockwise with y upwards: what was at the right end of the first row is at the right end of the last
  t.equal(again(1, 'rotate90').pixels.at(-1), 4)
})

t.test('binning adds values, and errors in quadrature', async (t) => {
  const frame: Frame = {
    name: 'f',
    width: 5,
    height: 2,
    pixels: new Float32Array(10).fill(3),
    error: new Float32Array(10).fill(2),
  }
  const summed = bin(frame, 2, 2)
  t.same([summed.width, summed.height], [2, 1])
  t.same([...summed.pixels], [12, 12])
  t.same([...summed.error!], [4, 4])
  const averaged = bin(frame, 2, 2, 'mean')
  t.same([...averaged.pixels, ...averaged.error!], [3, 3, 1, 1])
  t.throws(() => bin(frame, 1, 3), RangeError)
  t.throws(() => bin(frame, 0, 1), RangeError)
})

t.test('binning replaces bad pixels, keeps saturation, and says when nothing was left', async (t) => {
  const mask = new Int16Array(8)
  mask[0] = MaskBit.bad
  mask[3] = MaskBit.saturated
  const frame: Frame = { name: 'f', width: 4, height: 2, pixels: new Float32Array(8).fill(5), mask }
  const binned = bin(frame, 2, 2)
  t.same([...binned.pixels], [20, 20])
  t.same([...binned.mask!], [MaskBit.interpolated, MaskBit.saturated])
  mask.fill(MaskBit.bad)
  const none = bin(frame, 2, 2)
  t.ok(none.pixels.every(Number.isNaN))
  t.same([...none.mask!], [MaskBit.noData, MaskBit.noData])
})
