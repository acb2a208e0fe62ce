export interface Random {
  /** Between 0 (possible) and 1 (not), 53 bits. */
  uniform(): number
  /** Mean 0, standard deviation 1. */
  normal(): number
  /** A count with this mean: photons, electrons. */
  poisson(mean: number): number
  /** 32 random bits, 0 to 4294967295. */
  bits(): number
  /** Adds Gaussian noise of `sigma` to every value. */
  addNormal(values: Float32Array | Float64Array, sigma: number): void
}

/**
 * Random numbers that depend on the seed alone: xoshiro128++ (Blackman & Vigna 2019) seeded by splitmix32. The same seed
 * gives the same numbers everywhere. Several seeds (`random(7, frame, row)`) give independent streams.
 */
export function random(...seeds: number[]): Random {
  const bits = generator(seeds)
  const uniform = () => ((bits() >>> 5) * 67108864 + (bits() >>> 6)) / 9007199254740992
  const normal = ziggurat(bits, uniform)
  const poisson = (mean: number) => (mean < 12 ? poissonByProduct(mean, uniform) : poissonByRejection(mean, uniform))
  const addNormal = (values: Float32Array | Float64Array, sigma: number) => {
    for (let i = 0; i < values.length; i++) values[i] += sigma * normal()
  }
  return { uniform, normal, poisson, bits, addNormal }
}

function generator(seeds: number[]): () => number {
  let state = 0x9e3779b9
  const splitmix = () => {
    state = (state + 0x9e3779b9) | 0
    let z = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return z ^ (z >>> 15)
  }
  for (const seed of seeds) {
    state ^= Math.floor(seed) | 0
    state = splitmix() ^ (Math.floor(seed / 4294967296) | 0)
    state = splitmix()
  }
  let a = splitmix()
  let b = splitmix()
  let c = splitmix()
  let d = splitmix() | 1 // never all zero
  return () => {
    const turned = (a + d) | 0
    const result = (((turned << 7) | (turned >>> 25)) + a) | 0
    const shifted = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = (d << 11) | (d >>> 21)
    return result >>> 0
  }
}

// Marsaglia & Tsang 2000, J. Stat. Soft. 5, 8: 128 layers of equal area under the Gaussian.
const LAYERS = 128
const TAIL = 3.442619855899
const AREA = 9.91256303526217e-3
const edge = new Float64Array(LAYERS + 1)
const height = new Float64Array(LAYERS + 1)
{
  const density = (x: number) => Math.exp((-x * x) / 2)
  edge[0] = AREA / density(TAIL)
  edge[1] = TAIL
  for (let i = 2; i < LAYERS; i++) edge[i] = Math.sqrt(-2 * Math.log(AREA / edge[i - 1] + density(edge[i - 1])))
  for (let i = 0; i <= LAYERS; i++) height[i] = density(edge[i])
}

function ziggurat(bits: () => number, uniform: () => number): () => number {
  return () => {
    for (;;) {
      const drawn = bits()
      const layer = drawn & (LAYERS - 1)
      // 24 bits of place beside the 7 of the layer and the sign: none is used twice
      const x = ((drawn >>> 8) / 16777216) * edge[layer]
      const sign = drawn & 128 ? -1 : 1
      if (x < edge[layer + 1]) return sign * x
      if (layer === 0) return sign * tail(uniform)
      if (height[layer] + uniform() * (height[layer + 1] - height[layer]) < Math.exp((-x * x) / 2)) return sign * x
    }
  }
}

function tail(uniform: () => number): number {
  for (;;) {
    const x = -Math.log(1 - uniform()) / TAIL
    const y = -Math.log(1 - uniform())
    if (y + y > x * x) return TAIL + x
  }
}

/** Knuth's product of uniforms, for small means. */
function poissonByProduct(mean: number, uniform: () => number): number {
  if (!(mean > 0)) return 0
  const limit = Math.exp(-mean)
  let product = uniform()
  let count = 0
  while (product > limit) {
    product *= uniform()
    count++
  }
  return count
}

/** PTRS: transformed rejection (Hörmann 1993, Insurance: Math. & Econ. 12, 39). */
function poissonByRejection(mean: number, uniform: () => number): number {
  if (!(mean < 1e15)) throw new RangeError(`no Poisson number with mean ${mean}`)
  const root = Math.sqrt(mean)
  const b = 0.931 + 2.53 * root
  const a = -0.059 + 0.02483 * b
  const inverseAlpha = 1.1239 + 1.1328 / (b - 3.4)
  const vr = 0.9277 - 3.6224 / (b - 2)
  const logMean = Math.log(mean)
  for (;;) {
    const u = uniform() - 0.5
    const v = 1 - uniform()
    const us = 0.5 - Math.abs(u)
    const k = Math.floor(((2 * a) / us + b) * u + mean + 0.43)
    if (us >= 0.07 && v <= vr) return k
    if (k < 0 || (us < 0.013 && v > us)) continue
    if (Math.log((v * inverseAlpha) / (a / (us * us) + b)) <= k * logMean - mean - logFactorial(k)) return k
  }
}

/** ln k! (Stirling's series beyond 9, good to 1e-12). */
function logFactorial(k: number): number {
  if (k < 10) {
    let product = 1
    for (let i = 2; i <= k; i++) product *= i
    return Math.log(product)
  }
  const x = k + 1
  const y = 1 / (x * x)
  return (x - 0.5) * Math.log(x) - x + 0.9189385332046728 + (1 / 12 - y * (1 / 360 - y * (1 / 1260 - y / 1680))) / x
}
