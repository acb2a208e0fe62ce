import t from 'tap'
import { allocate, kernels, scoped } from '../src/index.js'

const [WIDTH, HEIGHT, BLOCKS, PER_ROW, REACH, HALF] = [61, 40, 3, 4, 6, 4.5]
const SAMPLES = 2 * REACH * PER_ROW + 1
const [ELECTRON, ACCURACY, HIGH, LOW, BLOCK] = [0.5, 0.01, 4, 5, 16]

let seed = 1
const uniform = () => {
  seed = (seed * 48271) % 2147483647
  return seed / 2147483647
}

/** A steep trace on a noisy frame, its profile wider from block to block; a hot pixel, a bad one and a NaN. */
function scene() {
  const centre = (x: number) => 6.3 + 0.43 * x + 0.2 * Math.sin(x)
  const shape = (u: number, block: number) => Math.exp(-0.5 * (u / (1.2 + 0.2 * block)) ** 2)
  const table = Float32Array.from({ length: BLOCKS * SAMPLES }, (_, k) =>
    shape(((k % SAMPLES) - (SAMPLES - 1) / 2) / PER_ROW, Math.floor(k / SAMPLES)),
  )
  const pixels = Float32Array.from({ length: WIDTH * HEIGHT }, (_, p) => {
    const [x, row] = [p % WIDTH, Math.floor(p / WIDTH)]
    const light = (1000 + 300 * Math.sin(x / 5)) * shape(row - centre(x), 1)
    return light + 5 * (uniform() - 0.5) * Math.sqrt(20 + 0.5 * light)
  })
  const mask = new Int16Array(WIDTH * HEIGHT)
  pixels[Math.round(centre(20)) * WIDTH + 20]! += 2000
  mask[(Math.round(centre(30)) + 2) * WIDTH + 30] = 1
  mask[(Math.round(centre(35)) + 2) * WIDTH + 35] = 64
  pixels[Math.round(centre(41)) * WIDTH + 41] = Number.NaN
  return { pixels, mask, table, centres: Float64Array.from({ length: WIDTH }, (_, x) => centre(x)) }
}

/** The share of the row, as the comment of the kernel has it; blocks are mixed for the middle of four columns. */
function shareAt(table: Float32Array, x: number, u: number, first = 0): number {
  const four = first + Math.floor(x / 4) * 4 + 2
  const place = Math.min(Math.max((four * BLOCKS) / WIDTH - 0.5, 0), BLOCKS - 1)
  const lower = Math.min(Math.floor(place), BLOCKS - 2)
  const sample = (k: number) =>
    k < 0 || k >= SAMPLES
      ? 0
      : table[lower * SAMPLES + k]! * (1 - place + lower) + table[(lower + 1) * SAMPLES + k]! * (place - lower)
  const at = u * PER_ROW + (SAMPLES - 1) / 2
  const k = Math.floor(at)
  return (1 - at + k) * sample(k) + (at - k) * sample(k + 1)
}

function plainColumn({ pixels, mask, table, centres }: ReturnType<typeof scene>, dark: Float32Array, x: number) {
  const rows: { d: number; p: number; bad: boolean }[] = []
  for (let row = 0; row < HEIGHT; row++) {
    const u = row - centres[x]!
    if (Math.abs(u) > HALF) continue
    const at = row * WIDTH + x
    rows.push({ d: pixels[at]!, p: shareAt(table, x, u), bad: (mask[at]! & 15) !== 0 })
  }
  const variance = (f: number, p: number) => dark[Math.floor(x / BLOCK)]! + ELECTRON * Math.max(0, f * p)
  const sums = (weight: (p: number) => number): [number, number] => {
    const [a, b] = [rows.map(({ d, p }) => p * d * weight(p)), rows.map(({ p }) => p * p * weight(p))]
    return [a, b].map((values) => values.reduce((sum, value) => sum + value, 0)) as [number, number]
  }
  const [d0, p0] = sums(() => 1)
  let [flux, square] = [d0 / p0, 0]
  for (let round = 0; round < 2; round++) {
    const before = flux
    const [sum, told] = sums((p) => 1 / variance(before, p))
    ;[flux, square] = [sum / told, 1 / told]
  }
  const odd = rows.some(({ d, p, bad }) => {
    const v = variance(flux, p)
    const expected = 1 - Math.min(0.9, (p * p * square) / v) + (ACCURACY * flux * p) ** 2 / v
    const limit = d > flux * p ? HIGH : LOW
    return bad || !((d - flux * p) ** 2 / v <= limit * limit * expected)
  })
  return { flux, error: Math.sqrt(square), odd }
}

t.test('the kernel of extraction does what the formulas say, and finds the columns where something is odd', (t) => {
  const made = scene()
  const dark = Float32Array.of(20, 22, 25, 21)
  scoped(() => {
    const lend = <T extends Float32Array | Float64Array | Int16Array>(type: new (n: number) => T, from: T) => {
      const copy = allocate(type as never, from.length) as T
      copy.set(from as never)
      return copy.byteOffset
    }
    const { traceFrame, traceNoise, traceProfile, extractTrace } = kernels()
    const [flux, error] = [allocate(Float32Array, WIDTH), allocate(Float32Array, WIDTH)]
    const odd = allocate(Uint8Array, WIDTH).fill(9)
    traceFrame(lend(Float32Array, made.pixels), lend(Int16Array, made.mask), WIDTH, HEIGHT)
    traceNoise(ELECTRON, ACCURACY, 0, HIGH, LOW)
    traceProfile(lend(Float32Array, made.table), 4 * SAMPLES, BLOCKS, SAMPLES, PER_ROW, REACH, HALF)
    const centres = lend(Float64Array, made.centres)
    const variance = lend(Float32Array, dark)
    extractTrace(centres, 0, WIDTH - 1, variance, BLOCK, flux.byteOffset, error.byteOffset, odd.byteOffset)
    for (let x = 0; x < 60; x++) {
      const plain = plainColumn(made, dark, x)
      t.equal(odd[x], plain.odd ? 1 : 0, `column ${x}`)
      if (plain.odd) continue
      // float32 sums of ten rows
      t.ok(Math.abs(flux[x]! / plain.flux - 1) < 3e-6, `flux ${flux[x]} ${plain.flux}`)
      t.ok(Math.abs(error[x]! / plain.error - 1) < 3e-6)
    }
    t.same([odd[20], odd[30], odd[35], odd[41]], [1, 1, 0, 1])
    t.equal(odd[60], 1, 'a column for which there are no four is left to others')
  })
  t.end()
})

t.test('levers are what a flux changes by when all its pixels do by one', (t) => {
  const { table, centres } = scene()
  const [first, last, dark] = [2, WIDTH - 1, 20]
  const light = Float32Array.from({ length: WIDTH }, (_, x) => 500 + 100 * Math.sin(x / 3))
  scoped(() => {
    const { traceFrame, traceNoise, traceProfile, traceLevers } = kernels()
    const [samples, rows, flux, levers] = [
      allocate(Float32Array, table.length),
      allocate(Float64Array, WIDTH),
      allocate(Float32Array, WIDTH),
      allocate(Float32Array, WIDTH).fill(-1),
    ]
    samples.set(table)
    rows.set(centres)
    flux.set(light)
    traceFrame(0, 0, WIDTH, HEIGHT)
    traceNoise(ELECTRON, 0, 0, 0, 0)
    traceProfile(samples.byteOffset, 4 * SAMPLES, BLOCKS, SAMPLES, PER_ROW, REACH, 0)
    traceLevers(rows.byteOffset, first, last, dark, flux.byteOffset, levers.byteOffset)
    t.same([levers[0], levers[1]], [-1, -1], 'columns that are not of the trace are left alone')
    for (let x = first; x < 58; x++) {
      let [lever, told] = [0, 0]
      for (let k = -REACH; k <= REACH; k++) {
        const row = Math.round(centres[x]!) + k
        const p = shareAt(table, x - first, row - centres[x]!, first)
        const weighted = p / (dark + ELECTRON * Math.max(0, p * light[x]!))
        lever += weighted
        told += weighted * p
      }
      t.ok(Math.abs(levers[x]! / (lever / told) - 1) < 3e-6, `column ${x}: ${levers[x]} ${lever / told}`)
    }
    t.ok(Number.isNaN(levers[60]), 'columns for which there are no four are left to others')
  })
  t.end()
})
