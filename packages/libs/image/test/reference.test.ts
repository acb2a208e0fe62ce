// Numbers from other people's code: fixtures/combine/README.md and fixtures/filters/README.md say how they were made.
import { readFileSync } from 'node:fs'
import t from 'tap'
import {
  type CombineOptions,
  combinePlanes,
  convolve,
  convolveSeparable,
  gaussianLine,
  medianFilter,
} from '../src/index.js'

type Numbers = (number | null)[]

interface Stack extends Record<'median' | 'mean' | 'weighted' | 'minmax' | 'mad' | 'noise', Numbers> {
  planes: Numbers[]
  weights: number[]
  madCount: number[]
  noiseCount: number[]
}

interface Filters {
  width: number
  height: number
  pixels: Numbers
  median: Record<string, Numbers>
  kernel: { width: number; height: number; values: number[] }
  convolved: Numbers
  gaussian: Numbers
}

function readFixture(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../../../../fixtures/${name}`, import.meta.url), 'utf8'))
}

const floats = (values: Numbers) => Float32Array.from(values, (v) => v ?? Number.NaN)

/** The largest difference; float32 results carry 7 digits of values up to 2000. */
function largest(ours: Float32Array, theirs: Numbers): number {
  return Math.max(
    ...ours.map((v, i) => (Number.isNaN(v) && theirs[i] === null ? 0 : Math.abs(v - (theirs[i] ?? Number.NaN)))),
  )
}

function combined(stack: Stack, options: CombineOptions) {
  const planes = stack.planes.map(floats)
  const n = planes[0].length
  return combinePlanes(planes, options, { pixels: new Float32Array(n), count: new Int16Array(n) })
}

t.test('stacks agree with ccdproc and astropy', async (t) => {
  for (const stack of readFixture('combine/reference.json') as Stack[]) {
    const count = stack.planes.length
    const plain = { median: {}, mean: {}, minmax: {}, weighted: { weights: stack.weights } }
    for (const [method, options] of Object.entries(plain)) {
      const name = method as keyof typeof plain
      const { pixels } = combined(stack, { method: name, ...options })
      t.ok(largest(pixels, stack[name]) < 2e-4, `${method} of ${count}`)
    }
    const mad = combined(stack, { method: 'sigma', iterations: 1 })
    t.ok(largest(mad.pixels, stack.mad) < 2e-4, `MAD clip of ${count}`)
    t.same([...mad.count!], stack.madCount, `MAD clip of ${count}: samples`)
    const noise = combined(stack, { method: 'sigma', noise: { gain: 1e12, readNoise: 5e12 }, iterations: 20 })
    t.ok(largest(noise.pixels, stack.noise) < 2e-4, `noise clip of ${count}`)
    t.same([...noise.count!], stack.noiseCount, `noise clip of ${count}: samples`)
  }
})

t.test('filters agree with scipy.ndimage', async (t) => {
  const reference = readFixture('filters/reference.json') as Filters
  const { width, height, kernel } = reference
  const pixels = floats(reference.pixels)
  for (const [size, expected] of Object.entries(reference.median)) {
    // the same pixels, printed with nine digits
    t.ok(largest(medianFilter(pixels, width, height, Number(size)), expected) < 1e-6, `median ${size}`)
  }
  t.ok(largest(convolve(pixels, width, height, kernel), reference.convolved) < 5e-3) // 15 products of up to 10,000
  const line = gaussianLine(1.5)
  t.ok(largest(convolveSeparable(pixels, width, height, line, line), reference.gaussian) < 1e-3)
})
