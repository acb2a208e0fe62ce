import { allocate, inKernelMemory, kernels, scoped } from '@nightpipe/kernels'

/** Complex numbers on a grid, row by row: real parts and imaginary parts apart. */
export interface ComplexImage {
  width: number
  height: number
  re: Float32Array
  im: Float32Array
}

/** The smallest length of at least `n` that the transforms take: a multiple of 4 with no prime factor above 5. */
export function fftLength(n: number): number {
  for (let length = Math.max(4, 4 * Math.ceil(n / 4)); ; length += 4) if (factorsOf(length)) return length
}

/** A grid of zeros. Both sides must be lengths that `fftLength` gives. */
export function complexImage(width: number, height: number): ComplexImage {
  return { width, height, re: new Float32Array(width * height), im: new Float32Array(width * height) }
}

/** The same in kernel memory, where transforms take no copies; not cleared. It lasts as long as the scope it is made in. */
export function kernelComplexImage(width: number, height: number): ComplexImage {
  const part = () => allocate(Float32Array, width * height)
  return { width, height, re: part(), im: part() }
}

/**
 * The discrete Fourier transform of a grid, in place: F(u, v) = Σ f(x, y) exp(-2πi (ux/width + vy/height)). Two real
 * images are transformed at once, as real and imaginary part; `parts` takes their transforms apart.
 */
export function fft(image: ComplexImage): void {
  transform(image, image.re, image.im)
}

/** The inverse of `fft`, divided by the number of points. */
export function inverseFft(image: ComplexImage): void {
  // with real and imaginary parts exchanged, the forward transform is the inverse one
  transform(image, image.im, image.re)
  const points = image.width * image.height
  for (const part of [image.re, image.im]) {
    if (inKernelMemory(part)) kernels().divideFloats(part.byteOffset, part.length, points)
    else for (let p = 0; p < part.length; p++) part[p] /= points
  }
}

function transform({ width, height }: ComplexImage, re: Float32Array, im: Float32Array): void {
  const columns = factorsOf(width)
  const rows = factorsOf(height)
  if (!columns || !rows || re.length !== width * height || im.length !== re.length) {
    throw new RangeError(`a grid of ${width} x ${height} cannot be transformed: take lengths from fftLength`)
  }
  scoped(() => {
    const [a, b] = [re, im].map((part) => {
      if (inKernelMemory(part)) return part
      const copy = allocate(Float32Array, part.length)
      copy.set(part)
      return copy
    })
    const scratch = allocate(Float32Array, Math.max(16 * width, 64 * height)).byteOffset
    const image = [a.byteOffset, b.byteOffset, width, height] as const
    kernels().fftRows(...image, tableFor(width), factorTable(columns), scratch)
    kernels().fftColumns(...image, tableFor(height), factorTable(rows), scratch)
    if (a !== re) re.set(a)
    if (b !== im) im.set(b)
  })
}

/** Cosines and sines by length: an image is transformed in many tiles of one size. */
const known = new Map<number, Float32Array>()

function tableFor(n: number): number {
  let values = known.get(n)
  if (!values) {
    values = new Float32Array(2 * n)
    for (let k = 0; k < n; k++) {
      values[k] = Math.cos((2 * Math.PI * k) / n)
      values[n + k] = -Math.sin((2 * Math.PI * k) / n)
    }
    known.set(n, values)
  }
  const table = allocate(Float32Array, 2 * n)
  table.set(values)
  return table.byteOffset
}

function factorTable(factors: readonly number[]): number {
  const table = allocate(Int32Array, factors.length + 1)
  table.set([...factors, 0])
  return table.byteOffset
}

/** As radices of 4, 2, 3 and 5; undefined for lengths that are not of these, or not a multiple of 4. */
function factorsOf(n: number): number[] | undefined {
  if (n < 4 || n % 4 !== 0) return undefined
  const factors: number[] = []
  let left = n
  for (const radix of [4, 2, 3, 5]) for (; left % radix === 0; left /= radix) factors.push(radix)
  return left === 1 ? factors : undefined
}

/**
 * At frequency `p`, of a transform of two real images as real and imaginary part: those of the one and of the other, as
 * [re, im, re, im] in `out`. `q` is where the opposite frequency lies (`opposite`).
 */
export function partsAt({ re, im }: ComplexImage, p: number, q: number, out: Float64Array): void {
  out[0] = (re[p] + re[q]) / 2
  out[1] = (im[p] - im[q]) / 2
  out[2] = (im[p] + im[q]) / 2
  out[3] = (re[q] - re[p]) / 2
}

/** Where the frequency opposite to that at column `x` and row `y` lies. */
export function opposite({ width, height }: Pick<ComplexImage, 'width' | 'height'>, x: number, y: number): number {
  return (y === 0 ? 0 : height - y) * width + (x === 0 ? 0 : width - x)
}
