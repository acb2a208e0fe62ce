/**
 * Trends that many stars share, each with a strength of its own, taken out in place (SysRem: Tamuz, Mazeh & Zucker 2005,
 * MNRAS 356, 1466). Rows are stars, columns frames; NaN is missing. The mean of each star stays.
 */
export function removeTrends(
  value: Float32Array,
  error: Float32Array,
  stars: number,
  frames: number,
  effects: number,
): void {
  const mean = new Float64Array(stars)
  for (let j = 0; j < stars; j++) {
    let [sum, total] = [0, 0]
    for (let p = j * frames; p < (j + 1) * frames; p++) {
      const weight = Number.isFinite(value[p]!) ? 1 / error[p]! ** 2 : 0
      if (!(weight > 0)) continue
      sum += weight * value[p]!
      total += weight
    }
    mean[j] = sum / total
  }
  for (let effect = 0; effect < effects; effect++) removeOne(value, error, mean, stars, frames)
}

function removeOne(value: Float32Array, error: Float32Array, mean: Float64Array, stars: number, frames: number): void {
  const strength = new Float64Array(stars)
  const course = Float64Array.from({ length: frames }, (_, i) => (i % 2 === 0 ? 1 : -1) + i / frames)
  for (let round = 0; round < 30; round++) {
    project(value, error, mean, stars, frames, course, strength, true)
    project(value, error, mean, stars, frames, strength, course, false)
    const size = Math.sqrt(course.reduce((sum, a) => sum + a * a, 0) / frames) || 1
    for (let i = 0; i < frames; i++) course[i]! /= size
  }
  project(value, error, mean, stars, frames, course, strength, true)
  for (let j = 0; j < stars; j++) for (let i = 0; i < frames; i++) value[j * frames + i]! -= strength[j]! * course[i]!
}

/** Least squares of one factor for the other given. */
function project(
  value: Float32Array,
  error: Float32Array,
  mean: Float64Array,
  stars: number,
  frames: number,
  given: Float64Array,
  out: Float64Array,
  forStars: boolean,
): void {
  const top = new Float64Array(out.length)
  const bottom = new Float64Array(out.length)
  for (let j = 0; j < stars; j++) {
    for (let i = 0; i < frames; i++) {
      const p = j * frames + i
      const left = value[p]! - mean[j]!
      if (!Number.isFinite(left)) continue
      const weight = 1 / error[p]! ** 2
      const [to, from] = forStars ? [j, given[i]!] : [i, given[j]!]
      top[to]! += weight * left * from
      bottom[to]! += weight * from * from
    }
  }
  for (let k = 0; k < out.length; k++) out[k] = bottom[k]! > 0 ? top[k]! / bottom[k]! : 0
}
