import t from 'tap'
import { allocate, allocateBytes, kernels, scoped } from '../src/index.js'

let state = 1992
const uniform = () => {
  state = (Math.imul(state, 1664525) + 1013904223) | 0
  return (state >>> 0) / 2 ** 32
}

const roomy = (bits: 32 | 64, n: number) => allocateBytes((bits / 8) * 3 * n + 4 * n + 64)

function compress(pixels: Int32Array, rows: number, scale: number, bits: 32 | 64): Uint8Array {
  return scoped(() => {
    const { hCompress32, hCompress64 } = kernels()
    const source = allocate(Int32Array, pixels.length)
    source.set(pixels)
    const out = allocate(Uint8Array, 9 * pixels.length + 1024)
    const room = roomy(bits, pixels.length)
    const encode = bits === 32 ? hCompress32 : hCompress64
    return out.slice(0, encode(source.byteOffset, rows, pixels.length / rows, scale, room, out.byteOffset))
  })
}

function decompress(bytes: Uint8Array, n: number, rows: number, smooth: boolean, bits: 32 | 64): Int32Array | number {
  return scoped(() => {
    const { hDecompress32, hDecompress64 } = kernels()
    const source = allocate(Uint8Array, bytes.length)
    source.set(bytes)
    const out = allocate(Int32Array, n)
    const room = roomy(bits, n)
    const decode = bits === 32 ? hDecompress32 : hDecompress64
    const problem = decode(source.byteOffset, bytes.length, out.byteOffset, rows, n / rows, smooth ? 1 : 0, room)
    return problem === 0 ? out.slice() : problem
  })
}

// The plain decoder: a string of bits, arrays of arrays, and numbers that hold 53 bits.

const CODES = '3e 00 01 08 02 09 1a 1b 03 1c 0a 1d 0b 1e 3f 0c'.split(' ').map((code) => Number.parseInt(code, 16))
const LENGTHS = [6, 3, 3, 4, 3, 4, 5, 5, 3, 5, 4, 5, 4, 5, 6, 4]
const HUFFMAN = new Map(CODES.map((code, nibble) => [code.toString(2).padStart(LENGTHS[nibble], '0'), nibble]))

type Plane = number[][]
const plane = (rows: number, columns: number): Plane => Array.from({ length: rows }, () => new Array(columns).fill(0))

/** Reads a string of bits from its start. */
function bitsOf(bytes: Uint8Array) {
  const text = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('')
  let at = 0
  return {
    take(n: number): number {
      at += n
      return Number.parseInt(text.slice(at - n, at), 2)
    },
    code(): number {
      for (let n = 3; n <= 6; n++) {
        const nibble = HUFFMAN.get(text.slice(at, at + n))
        if (nibble === undefined) continue
        at += n
        return nibble
      }
      throw new Error('no code')
    },
    toNextByte() {
      at = 8 * Math.ceil(at / 8)
    },
  }
}

type Bits = ReturnType<typeof bitsOf>

/** The nibbles of the lowest level of a quadtree, one for each 2x2 block of rows x columns. */
function nibblesOf(bits: Bits, rows: number, columns: number): Plane {
  const heights = [Math.ceil(rows / 2)]
  const widths = [Math.ceil(columns / 2)]
  while (Math.max(heights[0], widths[0]) > 1) {
    heights.unshift(Math.ceil(heights[0] / 2))
    widths.unshift(Math.ceil(widths[0] / 2))
  }
  if (bits.take(4) === 0) {
    const direct = plane(Math.ceil(rows / 2), Math.ceil(columns / 2))
    return direct.map((line) => line.map(() => bits.take(4)))
  }
  let level = [[bits.code()]]
  for (let k = 1; k < heights.length; k++) {
    const next = plane(heights[k], widths[k])
    for (let i = heights[k] - 1; i >= 0; i--) {
      for (let j = widths[k] - 1; j >= 0; j--) {
        const parent = level[i >> 1][j >> 1]
        if (parent & (8 >> (2 * (i % 2) + (j % 2)))) next[i][j] = bits.code()
      }
    }
    level = next
  }
  return level
}

function decompressPlainly(bytes: Uint8Array): Plane {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const rows = view.getInt32(2)
  const columns = view.getInt32(6)
  const scale = Math.max(1, view.getInt32(10))
  const coefficients = plane(rows, columns)
  const bits = bitsOf(bytes.subarray(25))
  const top = Math.ceil(rows / 2)
  const left = Math.ceil(columns / 2)
  const quadrants = [
    [0, 0, top, left, bytes[22]],
    [0, left, top, columns - left, bytes[23]],
    [top, 0, rows - top, left, bytes[23]],
    [top, left, rows - top, columns - left, bytes[24]],
  ]
  for (const [y, x, height, width, planes] of quadrants) {
    for (let bit = planes - 1; bit >= 0; bit--) {
      const nibbles = nibblesOf(bits, height, width)
      for (let i = 0; i < height; i++) {
        for (let j = 0; j < width; j++) {
          const set = nibbles[i >> 1][j >> 1] & (8 >> (2 * (i % 2) + (j % 2)))
          if (set) coefficients[y + i][x + j] += 2 ** bit
        }
      }
    }
  }
  if (bits.take(4) !== 0) throw new Error('no end')
  bits.toNextByte()
  for (const line of coefficients)
    line.forEach((v, j) => {
      if (v !== 0) line[j] = (bits.take(1) ? -v : v) * scale
    })
  coefficients[0][0] = Number(view.getBigInt64(14)) * scale
  return inversePlainly(coefficients)
}

const multiple = (value: number, unit: number, down: number) =>
  Math.floor((value + (value >= 0 ? unit / 2 : down)) / unit) * unit

/** Each level: sums and differences of blocks, interleaved, give the sums of the level below. */
function inversePlainly(a: Plane): Plane {
  const [rows, columns] = [a.length, a[0].length]
  const levels = Math.ceil(Math.log2(Math.max(rows, columns)))
  const unit = 2 ** (levels + 1)
  let sums = [[levels === 0 ? a[0][0] : multiple(a[0][0], unit, unit / 2 - 1)]]
  for (let level = levels - 1; level >= 0; level--) {
    const [height, width] = [rows, columns].map((n) => Math.ceil(n / 2 ** level))
    const [top, left] = [Math.ceil(height / 2), Math.ceil(width / 2)]
    const one = 2 ** level
    const two = 2 * one
    const divide = (value: number) => Math.floor(value / (level === 0 ? 4 : 2))
    const next = plane(height, width)
    for (let i = 0; i < top; i++) {
      for (let j = 0; j < left; j++) {
        let h0 = sums[i][j]
        const [below, beside] = [2 * i + 1 < height, 2 * j + 1 < width]
        let hx = below ? multiple(a[top + i][j], two, one - 1) : 0
        let hy = beside ? multiple(a[i][left + j], two, one - 1) : 0
        const hc = below && beside ? multiple(a[top + i][left + j], one, level === 0 ? 0 : one / 2 - 1) : 0
        const odd = (value: number, of: number) => (Math.abs(Math.floor(value / of)) % 2) * of
        const low = odd(hc, one)
        hx += hx >= 0 ? -low : low
        hy += hy >= 0 ? -low : low
        if (!below) hx = 0
        if (!beside) hy = 0
        const high = (odd(hc, two) + odd(hx, two) + odd(hy, two)) % (2 * two)
        h0 += h0 >= 0 ? low - high : low === 0 ? high : low - high
        next[2 * i][2 * j] = divide(h0 - hx - hy + hc)
        if (beside) next[2 * i][2 * j + 1] = divide(h0 - hx + hy - hc)
        if (below) next[2 * i + 1][2 * j] = divide(h0 + hx - hy - hc)
        if (below && beside) next[2 * i + 1][2 * j + 1] = divide(h0 + hx + hy + hc)
      }
    }
    sums = next
  }
  return sums
}

const scenes: Record<string, { bits: 32 | 64; value: (i: number) => number }> = {
  'quiet noise': { bits: 32, value: () => 1000 + 20 * (uniform() - 0.5) },
  'all of 16 bits': { bits: 32, value: () => (uniform() - 0.5) * 65536 },
  zero: { bits: 32, value: () => 0 },
  'minus one': { bits: 32, value: () => -1 },
  'one star': { bits: 32, value: (i) => (i === 7 ? 30000 : 2) },
  'all of 32 bits': { bits: 64, value: () => (uniform() - 0.5) * 2 ** 32 },
  'the ends of 32 bits': { bits: 64, value: (i) => (i % 3 ? -(2 ** 31) : 2 ** 31 - 1) },
}
const SHAPES = [
  [4, 4],
  [5, 7],
  [7, 5],
  [16, 16],
  [16, 53],
  [33, 18],
  [1, 40],
  [40, 1],
  [2, 3],
  [1, 1],
  [9, 64],
]

for (const [scene, { bits, value }] of Object.entries(scenes)) {
  t.test(`H-compress of ${scene} gives the pixels back, also by the plain decoder`, async (t) => {
    for (const [rows, columns] of SHAPES) {
      const pixels = Int32Array.from({ length: rows * columns }, (_, i) => value(i))
      const bytes = compress(pixels, rows, 0, bits)
      const name = `${rows}x${columns}`
      if (!t.same(decompress(bytes, pixels.length, rows, false, bits), pixels, name)) return
      // Empty quadrants have codes of their own, which only the kernel's own shapes below 2 make.
      if (Math.min(rows, columns) < 2) continue
      if (!t.same(decompressPlainly(bytes).flat(), [...pixels], `${name}, plainly`)) return
    }
  })
}

t.test('with a scale, what is lost is about the scale; smoothing moves no pixel further than that', async (t) => {
  const [rows, columns] = [40, 33]
  const pixels = Int32Array.from({ length: rows * columns }, (_, i) => 500 + (i % 33) * 4 + 10 * uniform())
  for (const scale of [2, 5, 16]) {
    const bytes = compress(pixels, rows, scale, 32)
    const rough = decompress(bytes, pixels.length, rows, false, 32) as Int32Array
    t.same(rough, decompressPlainly(bytes).flat(), 'as the plain decoder has it')
    const smooth = decompress(bytes, pixels.length, rows, true, 32) as Int32Array
    const worst = (image: Int32Array) => Math.max(...image.map((v, i) => Math.abs(v - pixels[i])))
    t.ok(worst(rough) <= 2 * scale && worst(rough) > 0, `${worst(rough)} at scale ${scale}`)
    t.ok(worst(smooth) <= 3 * scale, `smoothed: ${worst(smooth)} at scale ${scale}`)
    t.notSame(smooth, rough)
  }
})

t.test('every truncation of a stream is noticed', async (t) => {
  const pixels = Int32Array.from({ length: 24 * 18 }, () => 100 * uniform())
  const bytes = compress(pixels, 24, 0, 32)
  for (let length = 0; length < bytes.length; length++) {
    const found = decompress(bytes.slice(0, length), pixels.length, 24, false, 32)
    if (typeof found !== 'number') return t.fail(`${length} of ${bytes.length} bytes`)
  }
  t.pass(`${bytes.length} truncations`)
})
