import { random } from '@nightpipe/math'
import t from 'tap'
import { darknessOf } from '../src/darkness.js'

const SIDE = 61
const HALF = 7
const profile = (u: number, v: number) => Math.exp(-(u * u + v * v) / 5.8) / (Math.PI * 5.8)

/** A frame of noise 1 above a sky of 3 that nobody took off, with light in its middle. */
function judged(light: number, flux: number): boolean {
  const { normal } = random(4, 2)
  const net = Float32Array.from({ length: SIDE * SIDE }, (_, p) => {
    const [u, v] = [(p % SIDE) - 30, Math.floor(p / SIDE) - 30]
    return 3 + normal() + light * profile(u, v)
  })
  const fresh = { net, variance: net.map(() => 1), mask: new Int16Array(SIDE * SIDE), width: SIDE, height: SIDE }
  const side = 2 * HALF + 1
  const spread = Float64Array.from({ length: side * side }, (_, p) =>
    profile((p % side) - HALF, Math.floor(p / side) - HALF),
  )
  const difference = { psfAt: () => spread, psfHalf: HALF, seeing: { fresh: 4, reference: 4 } }
  return darknessOf({ fresh, difference })({ x: 30, y: 30, flux, fluxError: 6, score: flux / 6 })
}

t.test('what has faded below the sky is noise; what is gone, or fainter than it was, is not', async (t) => {
  t.ok(judged(-36, -40), 'six sigma below the sky')
  t.notOk(judged(0, -40), 'gone')
  t.notOk(judged(60, -40), 'fainter')
  t.notOk(judged(-36, 40), 'what is new is not asked')
})
