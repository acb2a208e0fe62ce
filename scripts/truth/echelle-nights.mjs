// Simulated nights of spectrographs for scripts/accuracy, and their truth. A night of the same name and settings is made once, and
// serves all measures of a run.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { column, numberOf, openFits, readPixels64, readTable } from '@nightpipe/fits'
import { rowsOf, setting } from './workshop.mjs'

/**
 * A night of configs/simulate/echelle-<preset>.ini. `frames` have name, path, type, objects and the cells of truth/frames.csv;
 * `bias`, `dark`, `flat`, `arc` and `object` are those of each type. Exposures with a fault are in `faulty` instead.
 */
export function echelleNight(shop, preset, settings = {}, name = `echelle-${preset}`) {
  const folder = shop.path(name)
  if (!existsSync(folder)) shop.log(`simulating ${name}`)
  const config = join(shop.root, `configs/simulate/echelle-${preset}.ini`)
  const sets = setting({ 'random.seed': shop.seed, ...settings })
  const { stdout } = shop.run('simulate', ['echelle', '-c', config, '-r', folder, '--quiet', ...sets])
  const paths = new Map(
    stdout
      .trim()
      .split('\n')
      .map((path) => [path.replace(/^.*\//, '').replace(/\.fits(\.fz)?$/, ''), path]),
  )
  const all = rowsOf(join(folder, 'truth/frames.csv')).map((row) => ({
    ...row,
    name: row.frame,
    path: paths.get(row.frame),
  }))
  const good = all.filter(({ fault }) => fault === '')
  const of = (type) => good.filter((frame) => frame.type === type)
  const still = images(join(folder, 'truth/traces.fits'), ['TRACE', 'WAVELENGTH'])
  return {
    ...{ folder, frames: good, faulty: all.filter(({ fault }) => fault !== '') },
    ...{ bias: of('bias'), dark: of('dark'), flat: of('flat'), arc: of('arc'), object: of('object') },
    /** pixels along the dispersion, orders, fibres; cubes are pixel + along (order + orders fibre) */
    ...{ along: still.axes[0], orders: still.axes[1], fibres: still.axes[2] },
    lines: () => rowsOf(join(folder, 'truth/lines.csv')),
    /** Centres of the traces in a frame: with its drift. */
    traces: (frame) => still.TRACE.map((y) => y + Number(frame?.drift_across_px ?? 0)),
    stillWavelengths: still.WAVELENGTH,
    /** { wavelength, flux, noise } of a frame, cubes; NaN where a fibre is dark. */
    spectra(frame) {
      const cubes = images(join(folder, `truth/frames/${frame.name}.fits`), ['WAVELENGTH', 'FLUX', 'NOISE'])
      return { wavelength: cubes.WAVELENGTH, flux: cubes.FLUX, noise: cubes.NOISE }
    },
    /** Scattered light at a pixel of the detector, electrons: linear between the middles of cells. */
    scattered(frame) {
      const { SCATTERED: values, axes, header } = images(join(folder, `truth/frames/${frame.name}.fits`), ['SCATTERED'])
      return mapAt(values, axes, numberOf(header, 'CELL'))
    },
    cosmics(frame) {
      const file = openFits(join(folder, `truth/frames/${frame.name}.fits`))
      const table = readTable(file.hdus.find((hdu) => hdu.name === 'COSMICS'))
      const [event, x, y, charge] = ['EVENT', 'X', 'Y', 'CHARGE'].map((key) => column(table, key).values)
      file.close()
      return Array.from(event, (number, k) => ({ event: number, x: x[k], y: y[k], charge: charge[k] }))
    },
  }
}

/** Images of a file by name, with the axes and the header of the last of them. */
function images(path, names) {
  const file = openFits(path)
  const found = {}
  for (const name of names) {
    const hdu = file.hdus.find((one) => one.name === name)
    if (!hdu) throw new Error(`${path} has no ${name}`)
    Object.assign(found, { [name]: readPixels64(hdu), axes: hdu.axes, header: hdu.header })
  }
  file.close()
  return found
}

/** `x` is along the dispersion. */
function mapAt(values, [width, height], cell) {
  const place = (p, n) => Math.min(Math.max((p + 0.5) / cell - 0.5, 0), n - 1.000001)
  return (x, y) => {
    const [u, v] = [place(x, width), place(y, height)]
    const [i, j] = [Math.floor(u), Math.floor(v)]
    const row = (k) => values[k * width + i] * (1 - u + i) + values[k * width + i + 1] * (u - i)
    return row(j) * (1 - v + j) + row(j + 1) * (v - j)
  }
}
