import { join } from 'node:path'
import { createHeader, openFits, readPixels64, writeFits } from '@nightpipe/fits'
import { type FittedLine, polynomialWavelength, type WavelengthSolution } from '@nightpipe/spectra'
import t from 'tap'
import { readArc, tharHdus, tripHdus } from '../src/index.js'

const line = (fibre: number, x: number): FittedLine => ({
  ...{ fibre, index: 1, x, error: 0.01, flux: 100, fluxError: 2, fwhm: 3, chiSquare: 1, flags: 0, listed: 7 },
  ...{ wavelength: 5000.1, residual: 0.002, velocity: 120, sigma: 0.003, dispersion: 0.02, used: x > 3 },
})

const solution = (fibre: number, constant: number): WavelengthSolution => ({
  fibre,
  polynomial: {
    ...{ width: 8, firstOrder: 90, orderStep: 1, lowOrder: 90, highOrder: 92 },
    terms:
      fibre === 0
        ? [
            [0, 0],
            [1, 0],
            [0, 1],
          ]
        : [
            [0, 0],
            [1, 0],
          ],
    coefficients: Float64Array.from(fibre === 0 ? [constant, 500, 3] : [constant, 500]),
    covariance: Float64Array.from({ length: fibre === 0 ? 9 : 4 }, (_, k) => k / 10),
  },
  lines: [line(fibre, 2), line(fibre, 5)],
  unnamed: [{ fibre, index: 0, x: 6.5, error: 0.02, flux: 40, fluxError: 3, fwhm: 3, chiSquare: 1, flags: 2 }],
  ...{ used: 1, rmsAngstrom: 0.002, rmsVelocity: 120, floor: 0.01, chiSquare: 1.1, precision: 5 },
})

t.test('what a TRIP or THAR file keeps comes back as it was', async (t) => {
  const solutions = [solution(0, 466000), solution(1, 466100)]
  const header = createHeader([['MJD-OBS', 58000.25]])
  const kinds = {
    TRIP: tripHdus(solutions, header, { orders: 3, reference: 1 }),
    THAR: tharHdus(solutions, header, { orders: 3, fibres: 3 }),
  }
  for (const [kind, hdus] of Object.entries(kinds)) {
    const path = join(t.testdir({}), `${kind}.fits`)
    writeFits(path, hdus)
    const back = readArc(path)!
    t.equal(back.mjd, 58000.25)
    t.same(
      back.solutions.map(({ polynomial }) => polynomial),
      solutions.map(({ polynomial }) => polynomial),
      kind,
    )
    t.same(
      back.solutions.map(({ lines }) => lines),
      solutions.map(({ lines }) => lines),
    )
    t.same(
      back.solutions.map(({ unnamed }) => unnamed),
      solutions.map(({ unnamed }) => unnamed),
    )
  }
})

t.test('their images are nanometres: of the reference fibre, or of all fibres by number', async (t) => {
  const solutions = [solution(0, 466000), solution(1, 466100)]
  const path = join(t.testdir({}), 'x.fits')
  writeFits(path, tripHdus(solutions, createHeader([]), { orders: 3, reference: 1 }))
  const file = openFits(path)
  const trip = readPixels64(file.hdus[0]!)
  file.close()
  t.equal(trip[2 * 8 + 5], polynomialWavelength(solutions[1]!.polynomial, 2, 5) / 10)
  writeFits(path, tharHdus(solutions, createHeader([]), { orders: 3, fibres: 3 }))
  const thar = readPixels64(openFits(path).hdus[0]!)
  t.equal(thar[3], polynomialWavelength(solutions[0]!.polynomial, 0, 3) / 10)
  t.equal(thar[2 * 3 * 8], 0, 'a fibre without a solution')
})

t.test('a file without solutions has none', async (t) => {
  const path = join(t.testdir({}), 'x.fits')
  writeFits(path, [{ kind: 'empty', header: createHeader([]) }])
  t.equal(readArc(path), undefined)
})
