import { random } from '@nightpipe/math'
import t from 'tap'
import { displacement, type EchelleModel, fitDisplacement, fitEchelleModel, modelWavelength } from '../src/index.js'

// Numbers of the table of spectrographs.csv for lsc (start) and of a published header of that spectrograph (truth).
const start: EchelleModel = {
  ...{
    nx: 4096,
    orders: 67,
    firstOrder: 52,
    grooveSpacing: 24.0442,
    sinAlpha: Math.sin((76.35733667 * Math.PI) / 180),
  },
  ...{ focalLength: 374.71238621, y0: -22.24454229, z0: 0.00019935, glass: 'PBM2', apex: 55, centralWavelength: 0.479 },
  ...{ rotation: 1.4, pixelSize: 0.015, residual: new Float64Array(15) },
}
const truth: EchelleModel = {
  ...start,
  ...{ sinAlpha: 0.971752791943, focalLength: 375.14815086, y0: -22.1609437182, z0: 0.000267987291401 },
  residual: Float64Array.of(
    ...[0.00340326, -0.00187633, -0.0360488, -0.0091017, 0.0450354, 0.143455, 0.0336166, -0.00217271],
    ...[-0.0308, 0.030135, -0.00449405, 0.0134021, -0.00732926, -0.00803556, -0.00622579],
  ),
}

t.test(
  'the model of the table becomes that of a published header, from lines with noise and misnamed ones',
  async (t) => {
    for (let seed = 1; seed <= 12; seed++) {
      const draw = random(seed)
      const points = Array.from({ length: 1500 }, (_, k) => {
        const [index, x] = [k % 67, 4095 * draw.uniform()]
        const wrong = k % 40 === 0 ? 0.01 : 0
        return { index, x, nm: modelWavelength(truth, index, x) + wrong + 5e-5 * draw.normal(), error: 5e-5 }
      })
      const { model, rms, used } = fitEchelleModel(start, points)!
      t.ok(rms > 4.7e-5 && rms < 5.3e-5 && used >= 1455 && used <= 1462, `${rms} nm, ${used} lines`)
      const misses = [0, 20, 40, 66].flatMap((index) =>
        [100, 2048, 3900].map((x) => modelWavelength(model, index, x) - modelWavelength(truth, index, x)),
      )
      // 18 numbers from 1460 lines: 5.6e-6 on the average of all places; here a third of them are corners, three times that
      const miss = Math.sqrt(misses.reduce((sum, one) => sum + one * one, 0) / misses.length)
      t.ok(miss < 2e-5, `noise ${seed}: ${miss} nm`)
    }
  },
)

t.test('ten coefficients say where a fibre lies beside another', async (t) => {
  const f = [
    5.99252653122, 0.174400657415, 9.44467145e-4, 2.29340348596e-5, 1.53816898819e-3, 1.20484585864e-7, 1.2492e-7,
    2.964e-9, 3.9e-12, 9.2e-6,
  ]
  const draw = random(5)
  const pairs = Array.from({ length: 800 }, (_, k) => {
    const [index, other] = [k % 67, 4095 * draw.uniform()]
    const reference =
      other - displacement(f, other - 2048, index - 33.5) + 0.01 * draw.normal() + (k % 50 === 0 ? 2 : 0)
    return { index, reference, other, error: 0.01 }
  })
  const found = fitDisplacement(pairs, 4096, 67)!
  for (const [x, o] of [
    [-1500, -30],
    [0, 0],
    [1800, 30],
  ]) {
    t.ok(Math.abs(displacement(found, x, o) - displacement(f, x, o)) < 0.01)
  }
  t.equal(fitDisplacement(pairs.slice(0, 9), 4096, 67), undefined)
})
