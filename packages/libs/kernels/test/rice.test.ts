import t from 'tap'
import { allocate, kernels, scoped } from '../src/index.js'

type Pixels = Uint8Array | Int16Array | Int32Array
const SIZES = { 1: { label: 3, most: 6 }, 2: { label: 4, most: 14 }, 4: { label: 5, most: 25 } } as const
type Size = keyof typeof SIZES

/** The plain encoder: a string of bits, as the paper describes it. */
function encodePlainly(pixels: Pixels, blockSize: number): Uint8Array {
  const size = pixels.BYTES_PER_ELEMENT as Size
  const { label, most } = SIZES[size]
  const modulus = 2 ** (8 * size)
  const binary = (value: number, width: number) => (width === 0 ? '' : value.toString(2).padStart(width, '0'))
  let bits = binary((pixels[0] + modulus) % modulus, 8 * size)
  for (let start = 0; start < pixels.length; start += blockSize) {
    const codes: number[] = []
    for (let i = start; i < Math.min(start + blockSize, pixels.length); i++) {
      let step = (pixels[i] - pixels[Math.max(0, i - 1)] + 2 * modulus) % modulus
      if (step >= modulus / 2) step -= modulus
      codes.push(step < 0 ? -2 * step - 1 : 2 * step)
    }
    const sum = codes.reduce((a, b) => a + b, 0)
    const mean = Math.max(0, (sum - Math.floor(codes.length / 2) - 1) / codes.length)
    let fs = 0
    for (let half = Math.floor(Math.floor(mean) / 2); half > 0; half = Math.floor(half / 2)) fs++
    if (fs >= most) bits += binary(most + 1, label) + codes.map((code) => binary(code, 8 * size)).join('')
    else if (sum === 0) bits += binary(0, label)
    else {
      const low = 2 ** fs
      bits += binary(fs + 1, label)
      for (const code of codes) bits += '0'.repeat(Math.floor(code / low)) + '1' + binary(code % low, fs)
    }
  }
  const bytes = bits.match(/.{1,8}/g) ?? []
  return Uint8Array.from(bytes, (byte) => Number.parseInt(byte.padEnd(8, '0'), 2))
}

function encode(pixels: Pixels, blockSize: number): Uint8Array {
  return scoped(() => {
    const { riceEncode8, riceEncode16, riceEncode32 } = kernels()
    const size = pixels.BYTES_PER_ELEMENT
    const encoder = { 1: riceEncode8, 2: riceEncode16, 4: riceEncode32 }[size as Size]
    const source = allocate(Uint8Array, pixels.byteLength)
    source.set(new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength))
    const codes = allocate(Uint8Array, pixels.byteLength)
    const room = pixels.length * (size + 1) + 2 * Math.ceil(pixels.length / blockSize) + 64
    const out = allocate(Uint8Array, room)
    const bytes = encoder(source.byteOffset, pixels.length, blockSize, codes.byteOffset, out.byteOffset)
    return out.slice(0, bytes)
  })
}

function decode<T extends Pixels>(bytes: Uint8Array, like: T, blockSize: number): T | undefined {
  return scoped(() => {
    const { riceDecode8, riceDecode16, riceDecode32 } = kernels()
    const decoder = { 1: riceDecode8, 2: riceDecode16, 4: riceDecode32 }[like.BYTES_PER_ELEMENT as Size]
    const source = allocate(Uint8Array, bytes.length)
    source.set(bytes)
    const out = allocate(like.constructor as Int32ArrayConstructor, like.length)
    const status = decoder(source.byteOffset, bytes.length, out.byteOffset, like.length, blockSize)
    return status === 0 ? (out.slice() as T) : undefined
  })
}

let state = 20100416
const uniform = () => {
  state = (Math.imul(state, 1664525) + 1013904223) | 0
  return (state >>> 0) / 2 ** 32
}

const scenes: Record<string, (i: number) => number> = {
  'all zero': () => 0,
  'all ones of bits': () => -1,
  'a ramp': (i) => i,
  'quiet noise': () => 1000 + (uniform() + uniform() - 1) * 6,
  'loud noise': () => (uniform() - 0.5) * 2 ** 31,
  'one star on a dark sky': (i) => (i % 97 === 40 ? 2 ** 30 + 12345 : 3),
  'largest and smallest in turn': (i) => (i % 2 ? 2 ** 31 - 1 : -(2 ** 31)),
}

for (const [scene, value] of Object.entries(scenes)) {
  t.test(`Rice coding of ${scene}: the bytes of the plain encoder, and the pixels back`, async (t) => {
    for (const type of [Uint8Array, Int16Array, Int32Array]) {
      for (const n of [1, 2, 7, 16, 31, 32, 33, 64, 100, 257]) {
        for (const blockSize of [1, 5, 16, 32, 1000]) {
          const pixels = new type(Array.from({ length: n }, (_, i) => value(i)))
          const name = `${type.name} ${n} pixels in blocks of ${blockSize}`
          const bytes = encode(pixels, Math.min(n, blockSize))
          if (!t.same(bytes, encodePlainly(pixels, blockSize), name)) return
          if (!t.same(decode(bytes, pixels, blockSize), pixels, name)) return
        }
      }
    }
  })
}

t.test('a split so small that one code needs a run of many thousands of zeros is read', async (t) => {
  // No encoder would write it, but the format allows it: fs 0 and a code of 40000 + i.
  for (const run of [55, 56, 57, 63, 64, 65, 500, 40000]) {
    const bits = '0000000000000111' + '0001' + '1' + '0'.repeat(run) + '1' + '001'
    const bytes = Uint8Array.from(bits.match(/.{1,8}/g) ?? [], (byte) => Number.parseInt(byte.padEnd(8, '0'), 2))
    const step = run % 2 ? -(run + 1) / 2 : run / 2
    t.same(decode(bytes, new Int16Array(3), 32), Int16Array.of(7, 7 + step, 7 + step - 0 + 2 / 2), `${run} zeros`)
  }
})

t.test('every truncation of a tile is noticed, and none reads or writes outside', async (t) => {
  const pixels = Int16Array.from({ length: 200 }, () => (uniform() - 0.5) * 300)
  const bytes = encode(pixels, 32)
  for (let length = 0; length < bytes.length; length++) {
    t.equal(decode(bytes.slice(0, length), pixels, 32), undefined, `${length} of ${bytes.length} bytes`)
  }
})

t.test('the dither sequence ends as the FITS standard says: seed 1043618065', async (t) => {
  const { memory, ditherValues } = kernels()
  const values = new Float32Array(memory.buffer, ditherValues(), 10000)
  let seed = 1
  for (let i = 0; i < 10000; i++) {
    seed = (16807 * seed) % 2147483647
    if (values[i] !== Math.fround(seed / 2147483647)) t.fail(`value ${i}`)
  }
  t.equal(seed, 1043618065)
})
