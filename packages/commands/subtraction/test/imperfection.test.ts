import t from 'tap'
import { withImperfection } from '../src/imperfection.js'

const SIDE = 41
const MIDDLE = 20

/** The error of the flux beside an object of so much light, of which the point spread sees a part. */
function errorBeside(flux: number, seen: number, flags: number): number {
  const plane = (value: number) => new Float32Array(SIDE * SIDE).fill(value)
  const starFlux = plane(0)
  starFlux[MIDDLE * SIDE + MIDDLE] = seen
  const planes = { difference: plane(0), error: plane(1), score: plane(3), fluxError: plane(10), starFlux }
  const stars = { count: 1, x: [MIDDLE], y: [MIDDLE], flux: [flux], flags: [flags] }
  // one per cent of a star in the ring of four pixels
  const rings = [0, 0, 0, 0, 0.01, 0]
  const fresh = { width: SIDE, height: SIDE, found: { stars } }
  withImperfection(planes, { shiftX: 0, shiftY: 0, relative: 0, rings }, fresh as never)
  const p = MIDDLE * SIDE + MIDDLE + 4
  t.equal(Math.round(1e4 * planes.score[p]! * planes.fluxError[p]!), 3e5, 'the flux stays as it is')
  return planes.fluxError[p]!
}

t.test('what is left about a star counts by the light that the point spread sees', async (t) => {
  t.match(errorBeside(5000, 5000, 0).toFixed(3), Math.hypot(10, 50).toFixed(3), 'a star')
  t.match(errorBeside(50000, 5000, 0).toFixed(3), Math.hypot(10, 50).toFixed(3), 'a galaxy of ten times its light')
  t.match(errorBeside(50000, 5000, 4).toFixed(3), Math.hypot(10, 500).toFixed(3), 'a star of which the core is full')
})
