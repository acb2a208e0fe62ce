import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openFits, readPixels } from '@nightpipe/fits'
import { airToVacuum, parseLineList, solveArc, wavelengthEvaluator } from '@nightpipe/spectra'
import { FIXTURES } from '@nightpipe/testing'
import t from 'tap'

const folder = join(FIXTURES, 'echelle/mres')
const absent = existsSync(join(folder, 'mres_thar_last.fits')) ? false : `no ${folder}`

t.test(
  'an extracted arc of MRES (50 orders) is solved from rough numbers, as its observers did',
  { skip: absent },
  async (t) => {
    const file = openFits(join(folder, 'mres_thar_last.fits'))
    const pixels = readPixels(file.hdus[0]!)
    file.close()
    const width = 1020
    const orders = Array.from({ length: 50 }, (_, index) => {
      const flux = Float64Array.from(pixels.subarray(index * width, (index + 1) * width))
      // counts in a unit of their own; the noise is that of the gaps between lines
      const uncertainty = flux.map((value) => Math.sqrt(Math.max(value, 0) * 1e-6 + 2.5e-11))
      return { index, order: 0, fibre: 0, flux, uncertainty, mask: new Int32Array(width) }
    })
    const list = parseLineList(readFileSync(join(folder, 'mres_thar.dat'), 'utf8'), { air: true, formula: 'edlen66' })
    const rough = { firstOrder: 37, orderStep: 1, orderConstant: 356642 * 1.008, pixelVelocity: 7.28 * 0.99 }
    const limits = { degreeX: 6, degreeOrder: 6, clip: 4 }
    const { solution, problem, lines } = solveArc({ width, orders }, [0], { list, rough, limits })[0]!
    t.equal(problem, undefined)
    if (!solution) return
    t.equal(solution.polynomial.firstOrder, 36)
    const known = readFileSync(join(folder, 'mres_thar_last.dat'), 'utf8').trim().split('\n')
    const wavelengthAt = wavelengthEvaluator(solution.polynomial)
    const misses: number[] = []
    let [bright, found] = [0, 0]
    for (const [order, x, air, amplitude] of known.map((line) => line.trim().split(/\s+/).map(Number)) as number[][]) {
      // their centres lie 0.0147 px beyond ours
      misses.push(Math.abs(wavelengthAt(order! - 36, x! - 0.0147) - airToVacuum(air!, 'edlen66')))
      if (amplitude! < 1) continue
      bright++
      if (lines.some((line) => line.index === order! - 36 && Math.abs(line.x + 0.0147 - x!) < 0.05)) found++
    }
    misses.sort((a, b) => a - b)
    const core = misses.slice(0, 1150)
    const rms = Math.sqrt(core.reduce((sum, miss) => sum + miss * miss, 0) / core.length)
    // a polynomial of the fifth degree through these lines themselves leaves 0.0115 Angstrom
    t.ok(rms < 0.0135, `${rms} Angstrom for 1150 of their ${misses.length} lines`)
    t.ok(found > 0.93 * bright, `${found} of ${bright} lines within 0.05 px`)
  },
)
