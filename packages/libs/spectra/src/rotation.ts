import { besselJ1 } from '@nightpipe/math'

/**
 * What rotation leaves of a wave of wave number k, as a function of q = (k v sin i)²: the Fourier transform of the disc with linear
 * limb darkening (Gray 2005, The Observation and Analysis of Stellar Photospheres, eq. 18.14). Below 0 it goes on as the same power
 * series: noise makes lines look narrower than the template as often as wider, and must be allowed to.
 */
export function rotationTransfer(q: number, limbDarkening: number): number {
  const [disc, dark] = [
    (2 * (1 - limbDarkening)) / (1 - limbDarkening / 3),
    (2 * limbDarkening) / (1 - limbDarkening / 3),
  ]
  if (q < 9) return series(q, disc, dark)
  const sigma = Math.sqrt(q)
  return (disc * besselJ1(sigma)) / sigma + (dark * (Math.sin(sigma) - sigma * Math.cos(sigma))) / (sigma * q)
}

/** J1(σ) / σ and (sin σ − σ cos σ) / σ³ as series in q = σ². */
function series(q: number, disc: number, dark: number): number {
  let [bessel, sphere] = [0.5, 1 / 3]
  let sum = 0
  for (let m = 0; m < 60; m++) {
    const term = disc * bessel + dark * sphere
    sum += term
    if (Math.abs(term) < 1e-17 * Math.abs(sum)) break
    bessel *= -q / (4 * (m + 1) * (m + 2))
    sphere *= -q / ((2 * m + 2) * (2 * m + 5))
  }
  return sum
}

/**
 * Taps of a kernel that turns samples of a spectrum into the coefficients of the cubic B-splines (uniform, at the samples) of the
 * turning star; the middle first, as it is symmetric. `turn` is the square of v sin i, in steps. The spectrum must be smooth:
 * waves of fewer than four steps are taken off, and it should have none.
 */
export function rotationTaps(turn: number, limbDarkening: number): Float64Array {
  const half = Math.ceil(Math.sqrt(Math.max(0, turn))) + 20
  let waves = 64
  while (waves < 4 * half) waves *= 2
  const cosine = Float64Array.from({ length: 4 * waves }, (_, m) => Math.cos((Math.PI * m) / (2 * waves)))
  const taps = new Float64Array(half + 1)
  for (let m = 0; m < waves; m++) {
    const k = (Math.PI * (m + 0.5)) / waves
    const t = Math.max(0, (2 * m + 1) / waves - 1)
    const kept = 1 - t * t * t * t * (35 - t * (84 - t * (70 - 20 * t)))
    const spline = (2 + Math.cos(k)) / 3
    const value = (kept * rotationTransfer(k * k * turn, limbDarkening)) / (spline * waves)
    for (let j = 0; j <= half; j++) taps[j] += value * cosine[((2 * m + 1) * j) % (4 * waves)]
  }
  let sum = -taps[0]
  for (let j = 0; j <= half; j++) sum += 2 * taps[j]
  return taps.map((one) => one / sum)
}

/** The kernel, and how it changes with `turn`, with the same number of taps. */
export function rotationKernels(turn: number, limbDarkening: number): { taps: Float64Array; slope: Float64Array } {
  const step = 0.01 * (1 + Math.abs(turn))
  const taps = rotationTaps(turn, limbDarkening)
  const [less, more] = [turn - step, turn + step].map((one) => rotationTaps(one, limbDarkening))
  return { taps, slope: taps.map((_, j) => ((more[j] ?? 0) - (less[j] ?? 0)) / (2 * step)) }
}
