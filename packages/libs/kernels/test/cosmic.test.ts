import t from 'tap'
import { allocate, kernels, scoped } from '../src/index.js'

/** Small whole numbers, repeatable; some NaN. */
function plane(width: number, height: number, nan: boolean) {
  const pixels = allocate(Float32Array, width * height)
  let seed = 7
  for (let p = 0; p < pixels.length; p++) {
    seed = (seed * 1103515245 + 12345) % 2147483648
    pixels[p] = nan && seed % 23 === 0 ? Number.NaN : seed % 1000
  }
  return pixels
}

t.test('sharp pixels are those over the limit of their tile', async (t) => {
  for (const [width, height] of [
    [3, 3],
    [67, 35],
    [130, 17],
    [2, 9],
  ]) {
    scoped(() => {
      const pixels = plane(width, height, true)
      const columns = Math.ceil(width / 64)
      const limits = allocate(Float32Array, columns * Math.ceil(height / 16))
      limits.forEach((_, k) => {
        limits[k] = 300 + 100 * k
      })
      const expected: number[] = []
      for (let y = 1; y < height - 1; y++) {
        for (let x = 1; x < width - 1; x++) {
          const p = y * width + x
          let sum = 0
          for (const h of [pixels[p - 1], pixels[p + 1]]) {
            for (const v of [pixels[p - width], pixels[p + width]]) sum += Math.max(0, 2 * pixels[p] - h - v)
          }
          if (sum / 4 > limits[(y >> 4) * columns + (x >> 6)]) expected.push(p)
        }
      }
      const target = allocate(Int32Array, width * height)
      const { sharpPixels } = kernels()
      const find = (room: number) =>
        sharpPixels(pixels.byteOffset, width, height, 0, height, limits.byteOffset, columns, target.byteOffset, room)
      target.fill(-1)
      t.equal(find(1), expected.length, 'counts what there is no room for')
      t.equal(target[1], -1)
      t.equal(find(target.length), expected.length)
      t.same(Array.from(target.subarray(0, expected.length)), expected, `${width} x ${height}`)
    })
  }
})

t.test('the smallest value of each tile, NaN left out', async (t) => {
  for (const [width, height] of [
    [1, 1],
    [70, 35],
    [129, 16],
  ]) {
    scoped(() => {
      const pixels = plane(width, height, true)
      const columns = Math.ceil(width / 64)
      const target = allocate(Float32Array, columns * Math.ceil(height / 16))
      kernels().tileMinima(pixels.byteOffset, width, height, columns, target.byteOffset)
      const expected = new Float32Array(target.length).fill(Number.POSITIVE_INFINITY)
      pixels.forEach((v, p) => {
        const k = (Math.floor(p / width) >> 4) * columns + ((p % width) >> 6)
        if (v < expected[k]) expected[k] = v
      })
      t.same(Array.from(target), Array.from(expected))
    })
  }
})

t.test('window medians of every size', async (t) => {
  const [width, height] = [41, 29]
  for (const radius of [0, 1, 2, 3, 4]) {
    scoped(() => {
      const pixels = plane(width, height, false)
      const positions = allocate(Int32Array, 7)
      positions.set([0, 1, 2, 3, 4, 5, 6].map((k) => (radius + 3 * k) * width + radius + 2 * k))
      const target = allocate(Float32Array, 7)
      const scratch = allocate(Float32Array, 4 * (2 * radius + 1) ** 2)
      const { windowMedians } = kernels()
      windowMedians(pixels.byteOffset, width, positions.byteOffset, 7, radius, scratch.byteOffset, target.byteOffset)
      const expected = Array.from(positions, (p) => {
        const window: number[] = []
        for (let v = -radius; v <= radius; v++) {
          for (let u = -radius; u <= radius; u++) window.push(pixels[p + v * width + u])
        }
        return window.sort((a, b) => a - b)[window.length >> 1]
      })
      t.same(Array.from(target), expected, `radius ${radius}`)
    })
  }
})
