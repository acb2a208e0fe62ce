import { createHash } from 'node:crypto'

/** The key of a stream of random numbers: 64 bits. */
export type RandomKey = readonly [number, number]

/** The key that belongs to a seed and to what the numbers are for; every name gives a stream of its own. */
export function keyOf(seed: number, ...names: readonly (string | number)[]): RandomKey {
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, ...names]))
    .digest()
  return [digest.readUInt32LE(0), digest.readUInt32LE(4)]
}

/** Upper 32 bits of the product of two unsigned words. */
function high(a: number, b: number): number {
  const [a0, a1, b0, b1] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16]
  const low = a0 * b0
  const middle = a1 * b0 + (low >>> 16)
  const rest = a0 * b1 + (middle % 65536)
  return (a1 * b1 + Math.floor(middle / 65536) + Math.floor(rest / 65536)) >>> 0
}

/** Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011, SC '11): four words for each counter and key. */
export function philox(counter: readonly [number, number, number, number], key: RandomKey): Uint32Array {
  let [a, b, c, d] = counter
  let [k0, k1] = key
  for (let round = 0; round < 10; round++) {
    const [high0, low0] = [high(0xd2511f53, a), Math.imul(0xd2511f53, a) >>> 0]
    const [high1, low1] = [high(0xcd9e8d57, c), Math.imul(0xcd9e8d57, c) >>> 0]
    a = (high1 ^ b ^ k0) >>> 0
    b = low1
    c = (high0 ^ d ^ k1) >>> 0
    d = low0
    k0 = (k0 + 0x9e3779b9) >>> 0
    k1 = (k1 + 0xbb67ae85) >>> 0
  }
  return Uint32Array.of(a, b, c, d)
}

/** Random numbers one after the other, the same for the same seed and names. */
export interface Random {
  /** 0 to 1, both excluded */
  uniform(): number
  between(low: number, high: number): number
  /** whole, 0 to n - 1 */
  below(n: number): number
  normal(): number
  /** mean 1 */
  exponential(): number
  poisson(mean: number): number
}

export function randomOf(seed: number, ...names: readonly (string | number)[]): Random {
  const key = keyOf(seed, ...names)
  let drawn = 0
  let words = new Uint32Array(0)
  let left = 0
  const word = () => {
    if (left === 0) {
      words = philox([drawn++, 0, 0, 0], key) as typeof words
      left = 4
    }
    return words[--left]!
  }
  const uniform = () => ((word() >>> 5) * 67108864 + (word() >>> 6) + 0.5) / 2 ** 53
  const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
  const exponential = () => -Math.log(uniform())
  return {
    uniform,
    normal,
    exponential,
    between: (low, top) => low + (top - low) * uniform(),
    below: (n) => Math.floor(n * uniform()),
    poisson(mean) {
      if (mean > 500) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal()))
      let count = 0
      for (let time = exponential(); time < mean; time += exponential()) count++
      return count
    },
  }
}

/**
 * A smooth random function of time with values of mean 0 and standard deviation about 1: normal deviates at whole times,
 * joined by cubics (Catmull & Rom). It does not depend on where it was asked before.
 */
export function smoothOf(seed: number, ...names: readonly (string | number)[]): (time: number) => number {
  const known = new Map<number, number>()
  const knot = (k: number) => {
    const value = known.get(k) ?? randomOf(seed, ...names, 'knot', k).normal()
    known.set(k, value)
    return value
  }
  return (time) => {
    const k = Math.floor(time)
    const u = time - k
    const [a, b, c, d] = [knot(k - 1), knot(k), knot(k + 1), knot(k + 2)]
    return b + 0.5 * u * (c - a + u * (2 * a - 5 * b + 4 * c - d + u * (3 * (b - c) + d - a)))
  }
}
