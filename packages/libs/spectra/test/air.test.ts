import t from 'tap'
import { airToVacuum, refractiveIndexOfAir, vacuumToAir } from '../src/index.js'

t.test('lines that everybody knows by their wavelength in air are found at their wavelength in vacuum', async (t) => {
  // NIST Atomic Spectra Database, Ritz wavelengths in vacuum and in air (its own formula: Peck & Reeder 1972)
  const known = [
    [5891.58333, 5889.95095], // Na D2
    [6564.632, 6562.819], // H alpha, centre of gravity
    [7637.208, 7635.106], // Ar I
    [4047.7, 4046.557], // Hg I
  ]
  for (const [vacuum, air] of known) {
    t.ok(Math.abs(vacuumToAir(vacuum) - air) < 2e-3, `${air}: ${vacuumToAir(vacuum)}`)
    t.ok(Math.abs(airToVacuum(air) - vacuum) < 2e-3)
  }
})

t.test('there and back again changes nothing', async (t) => {
  for (const formula of ['ciddor', 'edlen66'] as const) {
    for (let vacuum = 2001; vacuum < 25000; vacuum += 37.3) {
      const back = airToVacuum(vacuumToAir(vacuum, formula), formula)
      if (!(Math.abs(back / vacuum - 1) < 1e-14)) t.fail(`${formula}: ${vacuum} became ${back}`)
    }
  }
  t.equal(vacuumToAir(1215.67), 1215.67)
  t.equal(airToVacuum(1215.67), 1215.67)
})

t.test('the two formulae differ by 5 m/s at most between 3800 and 9000 Angstrom', async (t) => {
  for (let vacuum = 3800; vacuum < 9000; vacuum += 50) {
    const metresPerSecond = 299792458 * (refractiveIndexOfAir(vacuum) - refractiveIndexOfAir(vacuum, 'edlen66'))
    if (!(Math.abs(metresPerSecond) < 5)) t.fail(`${vacuum}: ${metresPerSecond}`)
  }
})
