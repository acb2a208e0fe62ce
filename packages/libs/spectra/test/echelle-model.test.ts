import t from 'tap'
import { displaced, type EchelleModel, GLASSES, modelWavelength, refractiveIndex } from '../src/index.js'

// The published header of lscnrs01-fl09-20171110-0037 (domain reference, 4.7).
const model: EchelleModel = {
  ...{
    nx: 4096,
    orders: 67,
    firstOrder: 52,
    grooveSpacing: 24.0442,
    sinAlpha: 0.971752791943,
    focalLength: 375.14815086,
  },
  ...{ y0: -22.1609437182, z0: 0.000267987291401, glass: 'PBM2', apex: 55, centralWavelength: 0.479, rotation: 1.4 },
  pixelSize: 0.015,
  residual: Float64Array.of(
    ...[0.00340326, -0.00187633, -0.0360488, -0.0091017, 0.0450354, 0.143455, 0.0336166, -0.00217271],
    ...[-0.0308, 0.030135, -0.00449405, 0.0134021, -0.00732926, -0.00803556, -0.00622579],
  ),
}
const shift = [
  ...[5.99252653122, 0.174400657415, 0.000944467145018, 2.29340348596e-5, 0.00153816898819, 1.20484585864e-7],
  ...[1.24920561007e-7, 2.96445468173e-9, 3.92722443107e-12, 9.24733649299e-6],
]
/** Of fibre 0, all pixels of an order. */
const fibre0 = (of: EchelleModel, index: number) =>
  displaced((x) => modelWavelength(of, index, x), shift, 4096, index - 33.5)

t.test('the central wavelengths of a published header come out to 1e-8 nm', async (t) => {
  const header = [
    [5, 819.302627259],
    [38, 518.420809109],
    [60, 415.800943616],
  ]
  // The header gives C02 = -0.0360488 to seven decimals: that alone leaves 3e-8 nm open.
  for (const [index, nm] of header)
    t.ok(Math.abs(fibre0(model, index)[2048] - nm) < 3e-8, `${fibre0(model, index)[2048]}`)
  // One value within that rounding agrees with all three keywords.
  const residual = model.residual.with(2, -0.03604884)
  for (const [index, nm] of header) t.ok(Math.abs(fibre0({ ...model, residual }, index)[2048] - nm) < 1e-8)
})

t.test('the wavelength ranges of the header come out, to the six digits of C05', async (t) => {
  const range = (index: number, from: number, to: number) => {
    const along = fibre0(model, index)
    return along[Math.floor(to * 4096)] - along[Math.floor(from * 4096)]
  }
  t.ok(Math.abs(range(5, 0.125, 0.875) - 12.1490000754) < 7e-7)
  t.ok(Math.abs(range(38, 0.25, 0.8) - 5.60080654574) < 7e-7)
  t.ok(Math.abs(range(60, 0.4, 0.7) - 2.47648319861) < 7e-7)
})

t.test('the table of the reference fibre comes out', async (t) => {
  const table = [
    [0, 887.7605, 898.1292, 905.5567],
    [5, 809.842, 819.311, 826.096],
    [25, 599.222, 606.277, 611.328],
    [38, 512.348, 518.438, 522.781],
    [66, 389.47, 394.335, 397.757],
  ]
  for (const [index, ...nm] of table) {
    const ours = [0, 2048, 4095].map((x) => modelWavelength(model, index, x))
    t.ok(
      ours.every((value, k) => Math.abs(value - nm[k]) < 6e-4),
      `${index}: ${ours}`,
    )
  }
})

t.test('glasses have the indices of their catalogues at the d line', async (t) => {
  const catalogue = { PBM2: 1.62004, BK7: 1.5168, SF2: 1.64769, SiO2: 1.45846, LLF1: 1.54814, LF5: 1.58144 }
  for (const glass of GLASSES) {
    t.ok(
      Math.abs(refractiveIndex(glass, 0.5875618) - catalogue[glass]) < 3e-5,
      `${glass} ${refractiveIndex(glass, 0.5875618)}`,
    )
  }
})
