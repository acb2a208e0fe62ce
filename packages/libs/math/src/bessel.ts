/** Amplitude and phase beyond 3, powers of 3 / x (Abramowitz & Stegun 1964, eqs. 9.4.3 and 9.4.6). */
const FAR = {
  j0: {
    amplitude: [0.79788456, -0.00000077, -0.0055274, -0.00009512, 0.00137237, -0.00072805, 0.00014476],
    phase: [-0.78539816, -0.04166397, -0.00003954, 0.00262573, -0.00054125, -0.00029333, 0.00013558],
  },
  j1: {
    amplitude: [0.79788456, 0.00000156, 0.01659667, 0.00017105, -0.00249511, 0.00113653, -0.00020033],
    phase: [-2.35619449, 0.12499612, 0.0000565, -0.00637879, 0.00074348, 0.00079824, -0.00029166],
  },
}

/** Bessel's function of the first kind and order 0, of 0 and more, within 1e-7. */
export function besselJ0(x: number): number {
  return x < 3 ? nearZero(1, x * x, 1) : farFrom(FAR.j0, x)
}

/** Likewise of order 1. */
export function besselJ1(x: number): number {
  return x < 3 ? nearZero(0.5, x * x, 2) * x : farFrom(FAR.j1, x)
}

/** Power series: the first term, and what the second factor of the denominators is ahead of the first. */
function nearZero(first: number, square: number, second: number): number {
  let [sum, term] = [first, first]
  for (let m = 0; m < 15; m++) {
    term *= -square / (4 * (m + 1) * (m + second))
    sum += term
  }
  return sum
}

function farFrom({ amplitude: a, phase: p }: (typeof FAR)['j0'], x: number): number {
  let [amplitude, phase] = [0, 0]
  for (let k = 6; k >= 0; k--) {
    amplitude = (amplitude * 3) / x + a[k]
    phase = (phase * 3) / x + p[k]
  }
  return (amplitude * Math.cos(x + phase)) / Math.sqrt(x)
}
