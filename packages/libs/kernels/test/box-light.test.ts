import t from 'tap'
import { allocate, kernels, lent, scoped } from '../src/index.js'

const WIDTH = 40
const HEIGHT = 36

/** Whole numbers, of which sums are exact in any order. */
const image = Float32Array.from({ length: WIDTH * HEIGHT }, (_, p) => ((p * 7919) % 101) - 50)
const errors = Float32Array.from({ length: WIDTH * HEIGHT }, (_, p) => 1 + ((p * 31) % 7))

/** Sum of what `of` says of the pixels of a square. */
function sumOver(x0: number, y0: number, side: number, of: (p: number) => number): number {
  let sum = 0
  for (let y = y0; y < y0 + side; y++) for (let x = x0; x < x0 + side; x++) sum += of(y * WIDTH + x)
  return sum
}

function lightOf(pixels: Float32Array, error: Float32Array | undefined, places: [number, number][], sigma: number) {
  return scoped(() => {
    const corners = lent(Int32Array.from(places, ([x, y]) => y * WIDTH + x)).byteOffset
    const sigmas = lent(new Float64Array(places.length).fill(sigma)).byteOffset
    const [large, small] = [allocate(Float64Array, places.length), allocate(Float64Array, 16 * places.length)]
    const planes = [lent(pixels).byteOffset, error ? lent(error).byteOffset : 0, WIDTH] as const
    const to = [large.byteOffset, small.byteOffset] as const
    const found = kernels().boxLights(...planes, corners, sigmas, places.length, ...to)
    return { large: [...large.subarray(0, found)], small: [...small.subarray(0, 16 * found)] }
  })
}

t.test('the light of boxes and of their small ones, by one sigma and by errors', async (t) => {
  const places: [number, number][] = [
    [0, 0],
    [24, 20],
    [5, 13],
  ]
  for (const error of [undefined, errors]) {
    const found = lightOf(image, error, places, 3)
    const expected = (x: number, y: number, side: number) =>
      sumOver(x, y, side, (p) => image[p]) / Math.sqrt(sumOver(x, y, side, (p) => (error ? error[p] ** 2 : 9)))
    t.strictSame(
      found.large,
      places.map(([x, y]) => expected(x, y, 16)),
    )
    const parts = places.flatMap(([x, y]) =>
      Array.from({ length: 16 }, (_, k) => expected(x + 4 * (k % 4), y + 4 * Math.floor(k / 4), 4)),
    )
    t.strictSame(found.small, parts)
  }
})

t.test('a box with a pixel that is no number, or without errors, is left out with its small ones', async (t) => {
  const holed = image.with(2 * WIDTH + 3, Number.NaN)
  const both = lightOf(
    holed,
    undefined,
    [
      [0, 0],
      [20, 16],
    ],
    3,
  )
  t.strictSame(both, lightOf(image, undefined, [[20, 16]], 3))
  t.equal(lightOf(image, new Float32Array(image.length), [[0, 0]], 3).large.length, 0)
})
