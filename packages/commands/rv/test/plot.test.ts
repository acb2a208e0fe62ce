import t from 'tap'
import { velocityFigure } from '../src/plot.js'

const LOW_RESPONSE = 32
const TELLURIC = 64

/** How often the pen is set down where two columns of an order have these bits. */
function strokes(mask: number): number {
  const flux = Float64Array.from({ length: 60 }, (_, x) => 1000 + x)
  const order = {
    ...{ index: 0, order: 90, fibre: 0, flux, uncertainty: flux.map(() => 30) },
    mask: Int32Array.from(flux, (_, x) => (x === 20 || x === 40 ? mask : 0)),
  }
  const star = { circumstances: { fibre: 0, object: 'STAR' }, measured: { by: 'none' } }
  const exposure = { spectra: { width: 60, orders: [order] } }
  const { svg } = velocityFigure('frame', exposure as never, [star] as never)
  const line = /<path d="([^"]*)"[^>]*fill="none"/.exec(svg)?.[1] ?? ''
  return line.match(/M/g)?.length ?? 0
}

t.test('the spectrum is not drawn through columns without a good pixel', async (t) => {
  t.equal(strokes(0), 1)
  t.equal(strokes(TELLURIC), 1, 'lines of the air are shown')
  t.equal(strokes(LOW_RESPONSE), 3)
})
