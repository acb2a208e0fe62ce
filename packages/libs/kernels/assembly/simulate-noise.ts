import { drawNormals, drawWords, normals, words } from './simulate-philox'

/** From here on the expansion below is right to a hundredth of an electron; fainter pixels are drawn exactly. */
const FEW: f32 = 16

/** Standard normal deviates, those of `row` and `purpose` under a key. */
export function simulateNormals(target: usize, n: i32, row: u32, purpose: u32, key0: u32, key1: u32): void {
  const z = normals()
  for (let at = 0; at < n; at += 16) {
    drawNormals(<u32>(at >> 4), row, purpose, key0, key1)
    memory.copy(target + ((<usize>at) << 2), z, (<usize>min(16, n - at)) << 2)
  }
}

/** The uniform random words themselves, for the tests. */
export function simulateWords(target: usize, block: u32, row: u32, purpose: u32, key0: u32, key1: u32): void {
  drawWords(block, row, purpose, key0, key1)
  memory.copy(target, words(), 64)
}

/** Poisson deviate of a small mean from one uniform word, by going up the distribution. */
function fewElectrons(mean: f64, word: u32): f32 {
  const u = (<f64>word + 0.5) * 2.3283064365386963e-10
  let p = NativeMath.exp(-mean)
  let sum = p
  let k = 0
  while (u > sum && k < 128) {
    k++
    p *= mean / <f64>k
    sum += p
  }
  return <f32>k
}

// @ts-ignore: decorator
@inline
function times(a: v128, k: f32): v128 { return f32x4.mul(a, f32x4.splat(k)) }

/** Poisson deviates of means above `FEW` from normal ones (Giles 2016, ACM TOMS 42, 7, eq. of Q_N2). */
function manyElectrons(mean: v128, z: v128): v128 {
  const root = f32x4.sqrt(mean)
  const zz = f32x4.mul(z, z)
  const first = f32x4.add(times(zz, 1.0 / 6.0), f32x4.splat(1.0 / 3.0))
  const second = f32x4.div(f32x4.mul(z, f32x4.add(times(zz, -1.0 / 72.0), f32x4.splat(-1.0 / 36.0))), root)
  const quartic = f32x4.add(f32x4.mul(zz, f32x4.add(times(zz, 1.0 / 270.0), f32x4.splat(7.0 / 810.0))), f32x4.splat(-8.0 / 405.0))
  const third = f32x4.div(quartic, mean)
  const sum = f32x4.add(f32x4.add(f32x4.mul(root, z), first), f32x4.add(second, third))
  return f32x4.max(f32x4.floor(f32x4.add(mean, sum)), f32x4.splat(0))
}

/** Four pixels of a row; the words for faint pixels are drawn once for the block, when the first of them comes. */
function fourCharges(mean: v128, vector: i32, block: u32, row: u32, purpose: u32, key0: u32, key1: u32, drawn: bool): bool {
  const out = normals() + (<usize>(vector << 4))
  const z = v128.load(out)
  const many = manyElectrons(f32x4.max(mean, f32x4.splat(FEW)), z)
  v128.store(out, many)
  const few = f32x4.lt(mean, f32x4.splat(FEW))
  if (!v128.any_true(few)) return drawn
  if (!drawn) drawWords(block, row, purpose + 1, key0, key1)
  const seed = words() + (<usize>(vector << 4))
  const scratch = words() + 64
  v128.store(scratch, mean)
  for (let lane: usize = 0; lane < 16; lane += 4) {
    const m = load<f32>(scratch + lane)
    if (m < FEW) store<f32>(out + lane, m > 0 ? fewElectrons(m, load<u32>(seed + lane)) : 0)
  }
  return true
}

/**
 * Electrons collected in a row of pixels: Poisson deviates of seconds · (dark + flat · light), dark and light in
 * electrons per second. `light` 0: the shutter is closed. `noise` 0: the means themselves. Uses `purpose` and the next.
 */
export function simulateCharge(
  light: usize, dark: usize, flat: usize, n: i32, seconds: f32, noise: i32,
  row: u32, purpose: u32, key0: u32, key1: u32, target: usize,
): void {
  const time = f32x4.splat(seconds)
  const z = normals()
  for (let at = 0; at < n; at += 16) {
    const offset = (<usize>at) << 2
    const left = min(16, n - at)
    const block = <u32>(at >> 4)
    if (noise) drawNormals(block, row, purpose, key0, key1)
    let drawn = false
    for (let vector = 0; (vector << 2) < left; vector++) {
      const here = offset + (<usize>(vector << 4))
      let rate = v128.load(dark + here)
      if (light) rate = f32x4.add(rate, f32x4.mul(v128.load(flat + here), v128.load(light + here)))
      const mean = f32x4.mul(time, rate)
      if (noise) drawn = fourCharges(mean, vector, block, row, purpose, key0, key1, drawn)
      else v128.store(z + (<usize>(vector << 4)), mean)
    }
    memory.copy(target + offset, z, (<usize>left) << 2)
  }
}

/**
 * A row of one amplifier: level + bias + q (1 - curve q) / gain + read noise, in ADU; q in electrons, `noise` in ADU,
 * `curve` per electron. `charge` or `bias` 0: there is none (overscan). `maximum` above 0: rounded to whole numbers
 * from 0 to it.
 */
export function simulateReadout(
  charge: usize, bias: usize, n: i32, level: f32, gain: f32, curve: f32, noise: f32, maximum: f32,
  row: u32, purpose: u32, key0: u32, key1: u32, target: usize,
): void {
  const z = normals()
  const one = f32x4.splat(1)
  const zero = f32x4.splat(0)
  const perElectron = f32x4.splat(gain)
  for (let at = 0; at < n; at += 16) {
    const offset = (<usize>at) << 2
    const left = min(16, n - at)
    if (noise > 0) drawNormals(<u32>(at >> 4), row, purpose, key0, key1)
    for (let vector = 0; (vector << 2) < left; vector++) {
      const here = offset + (<usize>(vector << 4))
      const out = z + (<usize>(vector << 4))
      let v = f32x4.splat(level)
      if (bias) v = f32x4.add(v, v128.load(bias + here))
      if (charge) {
        const q = v128.load(charge + here)
        const seen = f32x4.mul(q, f32x4.sub(one, times(q, curve)))
        v = f32x4.add(v, f32x4.div(seen, perElectron))
      }
      if (noise > 0) v = f32x4.add(v, times(v128.load(out), noise))
      if (maximum > 0) {
        v = f32x4.floor(f32x4.add(v, f32x4.splat(0.5)))
        v = f32x4.min(f32x4.max(v, zero), f32x4.splat(maximum))
      }
      v128.store(out, v)
    }
    memory.copy(target + offset, z, (<usize>left) << 2)
  }
}
