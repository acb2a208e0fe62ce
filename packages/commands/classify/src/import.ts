import { basename, join } from 'node:path'
import {
  DataError,
  defineCommand,
  type Job,
  type Request,
  type Row,
  type Tools,
  writeProduct,
} from '@nightpipe/command'
import { cardLookup, type FitsFile, openFits, readTable as readFitsTable, readPixels64 } from '@nightpipe/fits'
import { LIGHT_SPEED, power } from '@nightpipe/math'
import { airToVacuum, onLogGrid } from '@nightpipe/spectra'
import { readTable, upsertRows } from '@nightpipe/table'
import { type ImportSchema, importSchema } from './schema.js'
import { memberHdus, type SetRow, setTable } from './template-set.js'

/** Spectra of stars with known parameters to a set that classify compares with. */
export const importSet = defineCommand({
  name: 'classify',
  subcommand: 'import',
  summary: 'make a set of templates from spectra whose parameters are known',
  description:
    'Reads spectra (FITS tables with wavelength and flux; images with CRVAL1 and CDELT1, in wavelength or its logarithm; PHOENIX ' +
    'images with their file of wavelengths), brings them to vacuum and to equal steps of velocity, and writes them with ' +
    'templates.csv into one folder. Parameters come from the headers (PHXTEFF, TEFF …) or from a CSV.',
  examples: [
    { run: 'classify import -s phoenix/ -r set/ --set import.wavelengths=WAVE_PHOENIX.fits', doc: 'PHOENIX spectra' },
    { run: 'classify import -s spectra/ -r set/ --set import.index=stars.csv', doc: 'observed stars, listed in a CSV' },
  ],
  schema: importSchema,
  measurements: [
    { name: 'teff_k', unit: 'K', doc: 'effective temperature' },
    { name: 'logg_dex', unit: 'dex', doc: 'surface gravity' },
    { name: 'metallicity_dex', unit: 'dex', doc: '[Fe/H]' },
    { name: 'vsini_km_s', unit: 'km/s', doc: 'rotation that it has by itself' },
    { name: 'resolution', doc: 'wavelength over FWHM; empty: infinite' },
    { name: 'points', doc: 'of the spectrum', type: 'integer' },
  ],
  tables: [setTable],
  parallel: 'jobs',
  plan({ inputs, output, config }: Request<ImportSchema>) {
    const { index, wavelengths } = config.import
    const rows = index ? readTable(index, setTable) : []
    const others = [
      ...(index ? [{ path: index, role: 'index' }] : []),
      ...(wavelengths ? [{ path: wavelengths, role: 'wavelengths' }] : []),
    ]
    const spectra = inputs.filter(({ path }) => !wavelengths || basename(path) !== basename(wavelengths))
    return {
      jobs: spectra.map(({ name, path, stem }) => ({
        ...{ name, inputs: [path], products: [join(output, `${stem}.fits`)] },
        parents: [{ path, role: 'spectrum' }, ...others],
        params: { row: rows.find(({ file }) => file === basename(path)), listed: index !== '' },
      })),
    }
  },
  job: importOne,
  async finish({ output }, rows, { jobs }) {
    const made = new Map(jobs.map(({ inputs, products }) => [inputs[0], products[0]!]))
    const entries = rows.flatMap((row): SetRow[] => {
      const said = row.measurements
      if (row.status !== 'done' || !said) return []
      const number = (name: string) => (typeof said[name] === 'number' ? (said[name] as number) : undefined)
      const file = basename(row.product ?? made.get(row.input)!)
      return [
        {
          ...{
            file,
            teff_k: number('teff_k'),
            logg_dex: number('logg_dex'),
            metallicity_dex: number('metallicity_dex'),
          },
          ...{ vsini_km_s: number('vsini_km_s'), resolution: number('resolution') },
        },
      ]
    })
    await upsertRows(join(output, setTable.name), setTable, entries)
  },
})

interface ImportJob {
  row?: SetRow | undefined
  listed: boolean
}

function importOne(
  { inputs, products, parents, params }: Job<ImportJob>,
  { config, context }: Tools<ImportSchema>,
): Row[] {
  const input = inputs[0]!
  const { medium, unit, wavelengths, from, to, step } = config.import
  const file = openFits(input)
  try {
    const read = spectrumOf(file, wavelengths)
    const scale = { angstrom: 1, nm: 10, um: 1e4 }[unit]
    const vacuum = (w: number) => (medium === 'air' ? airToVacuum(w * scale) : w * scale)
    const own = { wavelength: read.wavelength.map(vacuum), flux: read.flux }
    if (params.listed && !params.row) throw new DataError(`${file.name} is not in the index`)
    const row = params.row ?? headerRow(file)
    const spectrum = onLogGrid(own.wavelength, own.flux, from, to, step / LIGHT_SPEED)
    if (spectrum.flux.length < 200)
      throw new DataError(`${file.name} has nothing between ${from} and ${to} Angstrom`, 'see [import] unit')
    const product = writeProduct(products[0]!, memberHdus(spectrum), context, parents)
    return [{ input, status: 'done', product, measurements: measurementsOf(row, spectrum.flux.length) }]
  } finally {
    file.close()
  }
}

function measurementsOf(
  { teff_k, logg_dex, metallicity_dex, vsini_km_s, resolution }: Omit<SetRow, 'file'>,
  points: number,
) {
  return { teff_k, logg_dex, metallicity_dex, vsini_km_s, resolution, points }
}

/** Wavelengths and fluxes, rising, of whatever the file is. */
function spectrumOf(file: FitsFile, wavelengths: string): { wavelength: Float64Array; flux: Float64Array } {
  const tableHdu = file.hdus.find(({ kind }) => kind === 'table')
  const table = tableHdu && readFitsTable(tableHdu)
  const named = (pattern: RegExp) => table?.columns.find(({ name }) => pattern.test(name))
  const [w, f] = [named(/^(wave(length)?|lambda|wl|loglam)$/i), named(/^(flux|intensity|normflux|f)$/i)]
  const numbers = (values: unknown) => Float64Array.from(values as ArrayLike<number>, Number)
  if (w && f) {
    const wavelength = numbers(w.values)
    return sorted(/loglam/i.test(w.name) ? wavelength.map((one) => power(10, one)) : wavelength, numbers(f.values))
  }
  const image = file.hdus.find(({ kind, axes }) => kind === 'image' && axes.length > 0)
  if (!image)
    throw new DataError(`${file.name} holds no spectrum`, 'a table with wavelength and flux, or an image of one line')
  const flux = readPixels64(image).slice(0, image.axes[0])
  if (wavelengths) {
    const other = openFits(wavelengths)
    try {
      const wavelength = readPixels64(other.hdus.find(({ kind, axes }) => kind === 'image' && axes.length > 0)!)
      if (wavelength.length !== flux.length) {
        throw new DataError(`${file.name} has ${flux.length} points but ${other.name} ${wavelength.length}`)
      }
      return sorted(Float64Array.from(wavelength), Float64Array.from(flux))
    } finally {
      other.close()
    }
  }
  const value = cardLookup(image)
  const [start, step, pixel] = [value('CRVAL1'), value('CDELT1') ?? value('CD1_1'), value('CRPIX1') ?? 1].map(Number)
  if (!Number.isFinite(start) || !(step! > 0))
    throw new DataError(`${file.name} has no CRVAL1 and CDELT1`, 'give [import] wavelengths')
  const log = start! < 20 || /LOG/i.test(String(value('CTYPE1') ?? ''))
  const wavelength = Float64Array.from({ length: flux.length }, (_, k) => {
    const at = start! + (k + 1 - pixel!) * step!
    return log ? (start! < 5 ? power(10, at) : Math.exp(at)) : at
  })
  return sorted(wavelength, Float64Array.from(flux))
}

function sorted(wavelength: Float64Array, flux: Float64Array) {
  const order = [...wavelength.keys()]
    .filter((k) => wavelength[k]! > 0 && Number.isFinite(flux[k]!))
    .sort((a, b) => wavelength[a]! - wavelength[b]!)
  const apart = order.filter((k, n) => n === 0 || wavelength[k]! > wavelength[order[n - 1]!]!)
  return {
    wavelength: Float64Array.from(apart, (k) => wavelength[k]!),
    flux: Float64Array.from(apart, (k) => flux[k]!),
  }
}

/** The parameters that the header of a template says. */
function headerRow(file: FitsFile): Omit<SetRow, 'file'> {
  const value = cardLookup(file.hdus[0]!)
  const first = (...keywords: string[]) =>
    keywords.map((keyword) => value(keyword)).find((one): one is number => typeof one === 'number')
  const row = {
    ...{ teff_k: first('PHXTEFF', 'TEFF'), logg_dex: first('PHXLOGG', 'LOGG', 'LOG_G') },
    ...{
      metallicity_dex: first('PHXM_H', 'FEH', 'FE_H', 'M_H', 'METAL'),
      vsini_km_s: first('VSINI'),
      resolution: first('SPECRES', 'RESOLUT'),
    },
  }
  if (row.teff_k === undefined) throw new DataError(`${file.name} says no temperature (TEFF)`, 'give [import] index')
  return row
}
