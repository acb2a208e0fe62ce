import t from 'tap'
import { besselJ0, besselJ1 } from '../src/index.js'

/** By Simpson's rule from Bessel's integral: cos(nφ - x sin φ) / π over half a turn. */
function byIntegral(order: number, x: number): number {
  const steps = 400
  let sum = 0
  for (let k = 0; k <= steps; k++) {
    const angle = (Math.PI * k) / steps
    const weight = k === 0 || k === steps ? 1 : k % 2 === 1 ? 4 : 2
    sum += weight * Math.cos(order * angle - x * Math.sin(angle))
  }
  return sum / (3 * steps)
}

t.test("Bessel's functions are those of the integral", async (t) => {
  for (let x = 0; x < 120; x += 0.37) {
    t.ok(Math.abs(besselJ0(x) - byIntegral(0, x)) < 1e-7, `J0(${x})`)
    t.ok(Math.abs(besselJ1(x) - byIntegral(1, x)) < 1e-7, `J1(${x})`)
  }
})
