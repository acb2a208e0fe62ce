import t from 'tap'
import { allocate, kernels, scoped } from '../src/index.js'

const [WIDTH, HEIGHT, PER_ROW, REACH] = [64, 48, 4, 6]
const SAMPLES = 2 * REACH * PER_ROW + 1
const SIGMA = 1.8

const shape = (u: number) => Math.exp(-0.5 * (u / SIGMA) ** 2) / (SIGMA * Math.sqrt(2 * Math.PI))
/** Lines of 4 columns upon a continuum. */
const light = (x: number) =>
  900 + [9.3, 22.8, 35.1, 52.6].reduce((sum, at, k) => sum + 400 * (k + 1) * Math.exp(-0.5 * ((x - at) / 1.7) ** 2), 0)
const centre = (x: number) => 20.3 + 0.11 * x
const share = (u: number) => {
  const at = u * PER_ROW + (SAMPLES - 1) / 2
  const k = Math.floor(at)
  const sample = (i: number) => (i < 0 || i >= SAMPLES ? 0 : shape((i - (SAMPLES - 1) / 2) / PER_ROW))
  return (1 - at + k) * sample(k) + (at - k) * sample(k + 1)
}

function lend<T extends Float32Array | Float64Array | Int16Array>(type: new (n: number) => T, from: ArrayLike<number>) {
  const copy = allocate(type as never, from.length) as T
  copy.set(from as never)
  return copy
}

/** Tells the kernels a frame with one profile everywhere. */
function tell(pixels: Float32Array, mask = 0) {
  const { traceFrame, traceProfile } = kernels()
  const table = lend(
    Float32Array,
    Float32Array.from({ length: SAMPLES }, (_, k) => shape((k - (SAMPLES - 1) / 2) / PER_ROW)),
  )
  traceFrame(pixels.byteOffset, mask, WIDTH, HEIGHT)
  traceProfile(table.byteOffset, 4 * SAMPLES, 1, SAMPLES, PER_ROW, REACH, 0)
}
const rows = Float64Array.from({ length: WIDTH }, (_, x) => centre(x))

t.test('light of tilted lines is set upright: each pixel has the light of its own column', (t) => {
  const [slope, change, curve] = [0.25, -0.0004, 0.002]
  const tilted = Float32Array.from({ length: WIDTH * HEIGHT }, (_, p) => {
    const [x, u] = [p % WIDTH, Math.floor(p / WIDTH) - centre(p % WIDTH)]
    return share(u) * light(x - (slope + change * x) * u - curve * u * u)
  })
  scoped(() => {
    const pixels = lend(Float32Array, tilted)
    tell(pixels)
    const flux = lend(
      Float32Array,
      Float64Array.from({ length: WIDTH }, (_, x) => light(x)),
    )
    const left = allocate(Uint8Array, WIDTH).fill(0)
    const centres = lend(Float64Array, rows).byteOffset
    t.equal(kernels().uprightTrace(centres, 0, WIDTH - 1, flux.byteOffset, slope, change, curve, left.byteOffset), 0)
    let [worst, was] = [0, 0]
    for (let x = 6; x < WIDTH - 6; x++) {
      for (let row = Math.ceil(centre(x) - 5); row <= centre(x) + 5; row++) {
        const truth = share(row - centre(x)) * light(x)
        worst = Math.max(worst, Math.abs(pixels[row * WIDTH + x]! - truth))
        was = Math.max(was, Math.abs(tilted[row * WIDTH + x]! - truth))
      }
    }
    t.ok(was > 20, `${was} before`)
    t.ok(worst < 0.04 * was, `${worst} after`) // what polynomials through six columns make of a line of 4
    t.same([...pixels.subarray(0, 3 * WIDTH)], [...tilted.subarray(0, 3 * WIDTH)], 'other rows stay')
  })
  t.end()
})

t.test('columns whose neighbours are not known stay; a profile too wide for the kernel is left to others', (t) => {
  scoped(() => {
    const frame = Float32Array.from({ length: WIDTH * HEIGHT }, (_, p) => 100 + (p % WIDTH))
    const pixels = lend(Float32Array, frame)
    tell(pixels)
    const flux = lend(
      Float32Array,
      Float64Array.from({ length: WIDTH }, (_, x) => light(x)),
    )
    flux[30] = Number.NaN
    const left = allocate(Uint8Array, WIDTH).fill(0)
    const { uprightTrace, traceProfile } = kernels()
    const centres = lend(Float64Array, rows).byteOffset
    const upright = () => uprightTrace(centres, 0, WIDTH - 1, flux.byteOffset, 0.1, 0, 0, left.byteOffset)
    t.equal(upright(), 0)
    const touched = (x: number) =>
      Array.from({ length: HEIGHT }, (_, row) => pixels[row * WIDTH + x] !== frame[row * WIDTH + x]).some(Boolean)
    t.same([0, 1, 2, 30, WIDTH - 3, WIDTH - 2, WIDTH - 1].filter(touched), [])
    t.ok(touched(22) && touched(36))
    traceProfile(flux.byteOffset, 0, 1, 2001, 8, 125, 0)
    t.equal(upright(), WIDTH - 6)
    t.same([left[2], left[3], left[WIDTH - 4], left[WIDTH - 3]], [0, 1, 1, 0])
  })
  t.end()
})

t.test(
  'the light beside a trace is the mean of the rows between it and its neighbour, without what stands out',
  (t) => {
    let seed = 7
    const noise = () => {
      seed = (seed * 48271) % 2147483647
      return seed / 2147483647 - 0.5
    }
    const frame = Float32Array.from({ length: WIDTH * HEIGHT }, () => 10 + noise())
    const mask = new Int16Array(WIDTH * HEIGHT)
    const [clear, neighbour] = [4, 20]
    const used: { value: number; off: number }[] = []
    for (let x = 8; x <= 40; x++) {
      // the middle of the gap, eight rows of it
      const start = (neighbour - clear + clear) / 2 - 4
      for (let k = 0; k < 8; k++) {
        const row = Math.ceil(centre(x) + start) + k
        if (x === 11 && k === 2) frame[row * WIDTH + x] = 5000
        else if (x === 12 && k === 3) mask[row * WIDTH + x] = 4
        else if (x === 13 && k === 4) frame[row * WIDTH + x] = Number.NaN
        else used.push({ value: frame[row * WIDTH + x]!, off: row - centre(x) })
      }
    }
    scoped(() => {
      tell(lend(Float32Array, frame), lend(Int16Array, mask).byteOffset)
      const [own, above] = [rows, rows.map((y) => y + neighbour)].map((one) => lend(Float64Array, one).byteOffset)
      const scratch = allocate(Float64Array, 33 * 16).byteOffset
      const out = allocate(Float64Array, 3)
      const { quietSide } = kernels()
      t.equal(quietSide(own!, above!, 8, 40, 1, clear, scratch, out.byteOffset), used.length + 1)
      const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
      const level = mean(used.map(({ value }) => value))
      const error = Math.sqrt(mean(used.map(({ value }) => (value - level) ** 2)) / used.length)
      t.ok(Math.abs(out[0]! - level) < 1e-9, `${out[0]} ${level}`)
      t.ok(Math.abs(out[1]! / error - 1) < 1e-9)
      t.ok(Math.abs(out[2]! - mean(used.map(({ off }) => off))) < 0.02) // the one that stands out has its place
      t.equal(quietSide(own!, above!, 8, 11, 1, clear, scratch, out.byteOffset), 0, 'too few pixels')
      t.equal(quietSide(own!, own!, 8, 40, 1, clear, scratch, out.byteOffset), 0, 'no gap')
      t.ok(quietSide(own!, 0, 8, 40, -1, clear, scratch, out.byteOffset) > 40, 'no neighbour')
      t.ok(out[2]! < -clear)
    })
    t.end()
  },
)

t.test('the quiet variance is the lowest median of the rows about a trace', (t) => {
  const far = 5
  const error = Float32Array.from(
    { length: WIDTH * HEIGHT },
    (_, p) => 3 + Math.abs(Math.floor(p / WIDTH) - centre(p % WIDTH) - 2),
  )
  error[Math.round(centre(16)) * WIDTH + 16] = Number.POSITIVE_INFINITY
  const medians: number[] = []
  for (let offset = -far; offset <= far; offset++) {
    const values: number[] = []
    for (let x = 16; x < 56; x += 8) {
      const sigma = error[(Math.round(centre(x)) + offset) * WIDTH + x]!
      if (sigma < Number.POSITIVE_INFINITY) values.push(sigma ** 2)
    }
    values.sort((a, b) => a - b)
    medians.push((values[(values.length - 1) >> 1]! + values[values.length >> 1]!) / 2)
  }
  scoped(() => {
    const errors = lend(Float32Array, error)
    kernels().traceFrame(0, 0, WIDTH, HEIGHT)
    const centres = lend(Float64Array, rows).byteOffset
    const scratch = allocate(Float64Array, WIDTH).byteOffset
    t.equal(kernels().quietVariance(centres, 16, 56, errors.byteOffset, far, scratch), Math.min(...medians))
    errors.fill(Number.NaN)
    t.equal(kernels().quietVariance(centres, 16, 56, errors.byteOffset, far, scratch), Number.POSITIVE_INFINITY)
  })
  t.end()
})
