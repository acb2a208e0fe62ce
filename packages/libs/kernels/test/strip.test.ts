import t from 'tap'
import { allocate, kernels, scoped } from '../src/index.js'

/** The obvious version, rounded to float32 where the kernel rounds. */
function prepare(
  source: Float32Array,
  stride: number,
  x0: number,
  width: number,
  rows: number,
  more: Options,
): Float32Array {
  const { pedestal, bias, dark, darkScale, scale, saturation } = more
  const out = new Float32Array(width * rows)
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < width; x++) {
      const k = y * width + x
      const raw = source[y * stride + x0 + x]
      let v = Math.fround(raw - pedestal[y])
      if (bias) v = Math.fround(v - bias[k])
      if (dark) v = Math.fround(v - Math.fround(Math.fround(darkScale) * dark[k]))
      out[k] = raw >= Math.fround(saturation) ? Number.NaN : Math.fround(v * Math.fround(scale))
    }
  }
  return out
}
interface Options {
  pedestal: Float32Array
  bias?: Float32Array
  dark?: Float32Array
  darkScale: number
  scale: number
  saturation: number
}

t.test(
  'prepareStrip is the plain formula, for every width, with and without masters, NaN and infinity kept',
  async (t) => {
    for (const [width, rows, x0, stride] of [
      [1, 1, 0, 1],
      [3, 2, 1, 5],
      [8, 3, 0, 8],
      [13, 4, 3, 19],
    ]) {
      for (const masters of [0, 1, 2, 3]) {
        scoped(() => {
          const fill = (n: number, f: (k: number) => number) => allocate(Float32Array, n).map((_, k) => f(k))
          const inMemory = (values: Float32Array) => {
            const array = allocate(Float32Array, values.length)
            array.set(values)
            return array
          }
          const hostile = [Number.NaN, Number.POSITIVE_INFINITY, -Number.POSITIVE_INFINITY, 65535, 0]
          const source = inMemory(
            fill(stride * rows, (k) => (k % 7 === 6 ? hostile[k % 5] : 900 + ((k * 37) % 101) / 3)),
          )
          const more: Options = {
            pedestal: inMemory(fill(rows, (k) => 300.25 + k)),
            bias: masters & 1 ? inMemory(fill(width * rows, (k) => (k % 5) / 7)) : undefined,
            dark: masters & 2 ? inMemory(fill(width * rows, (k) => (k % 3) / 9)) : undefined,
            darkScale: 30.1,
            scale: 1 / 3,
            saturation: 60000,
          }
          const out = allocate(Float32Array, width * rows)
          kernels().prepareStrip(
            source.byteOffset,
            stride,
            x0,
            width,
            rows,
            width,
            more.pedestal.byteOffset,
            more.bias?.byteOffset ?? 0,
            more.dark?.byteOffset ?? 0,
            more.darkScale,
            more.scale,
            more.saturation,
            out.byteOffset,
          )
          t.same([...out], [...prepare(source, stride, x0, width, rows, more)], `${width}x${rows}, masters ${masters}`)
        })
      }
    }
  },
)
