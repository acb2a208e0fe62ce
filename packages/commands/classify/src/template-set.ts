import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError, DataError } from '@nightpipe/command'
import { column, type NewHdu, openFits, readTable as readFitsTable } from '@nightpipe/fits'
import { type LogSpectrum, onLogGrid, type SetMember, samplingFor } from '@nightpipe/spectra'
import { defineTable, type RowOf, readTable } from '@nightpipe/table'

/** The members of a set: one row each, in its folder. */
export const setTable = defineTable({
  name: 'templates.csv',
  doc: 'spectra of stars whose parameters are known, in the same folder',
  columns: [
    {
      name: 'file',
      type: 'text',
      doc: 'FITS table SPECTRUM with wavelength (vacuum, Angstrom) and flux',
      required: true,
    },
    { name: 'teff_k', type: 'number', doc: 'effective temperature', unit: 'K' },
    { name: 'logg_dex', type: 'number', doc: 'surface gravity, log of cm/s2', unit: 'dex' },
    { name: 'metallicity_dex', type: 'number', doc: '[Fe/H]', unit: 'dex' },
    { name: 'vsini_km_s', type: 'number', doc: 'rotation that it has by itself', unit: 'km/s' },
    { name: 'resolution', type: 'number', doc: 'wavelength over FWHM; empty: infinite' },
  ],
  key: ['file'],
})
export type SetRow = RowOf<typeof setTable>

/** The rows of a set; DataError-free: an empty or absent set has none. */
export function readSetRows(folder: string): SetRow[] {
  const path = join(folder, setTable.name)
  if (!existsSync(path))
    throw new ConfigError(`${folder} is no set of templates: no ${setTable.name}`, 'make one by classify import')
  return readTable(path, setTable)
}

/** The spectrum of a member, as wavelength and flux. */
export function readMember(path: string): { wavelength: Float64Array; flux: Float64Array } {
  const file = openFits(path)
  try {
    const hdu = file.hdus.find(({ kind }) => kind === 'table')
    const table = hdu && readFitsTable(hdu)
    const [wavelength, flux] = ['wavelength', 'flux'].map((name) => table && column(table, name))
    if (!wavelength || !flux) throw new DataError(`${file.name} has no table with wavelength and flux`)
    // converted at once where they are numbers: a function for each is thirty times slower
    const numbers = (values: unknown) =>
      ArrayBuffer.isView(values) && !(values instanceof BigInt64Array)
        ? new Float64Array(values as Float32Array)
        : Float64Array.from(values as ArrayLike<number>, Number)
    return { wavelength: numbers(wavelength.values), flux: numbers(flux.values) }
  } finally {
    file.close()
  }
}

/** The set that this thread used last: all exposures of a spectrograph are compared with the same spectra. */
let last: { key: string; members: SetMember[] } | undefined

/** A set between two wavelengths, sampled as a spectrograph of this resolution needs it. */
export function loadSet(
  folder: string,
  { resolution, from, to }: { resolution: number; from: number; to: number },
): SetMember[] {
  const rows = readSetRows(folder)
  const key = JSON.stringify([folder, resolution, from, to, rows])
  if (last?.key === key) return last.members
  const members = rows.flatMap((row): SetMember[] => {
    const { wavelength, flux } = readMember(join(folder, row.file))
    const spectrum = onLogGrid(wavelength, flux, from, to, samplingFor(resolution))
    if (spectrum.flux.length < 200) return []
    return [
      {
        ...{ name: row.file, teff: row.teff_k ?? Number.NaN, logg: row.logg_dex ?? Number.NaN },
        ...{ metallicity: row.metallicity_dex ?? Number.NaN, vsini: 1000 * (row.vsini_km_s ?? 0) },
        // by import, and now
        averaged: Math.log(wavelength[1]! / wavelength[0]!) ** 2 + spectrum.step ** 2,
        ...{ resolution: row.resolution, spectrum },
      },
    ]
  })
  last = { key, members }
  return members
}

/** A member as it is written. */
export function memberHdus({ first, step, flux }: LogSpectrum): NewHdu[] {
  const wavelength = flux.map((_, k) => Math.exp(first + k * step))
  return [
    { kind: 'empty' },
    {
      ...{ kind: 'table', name: 'SPECTRUM', rows: flux.length },
      columns: [
        { name: 'wavelength', format: 'D', values: wavelength, unit: 'Angstrom', comment: 'vacuum' },
        { name: 'flux', format: 'E', values: Float32Array.from(flux), comment: 'relative' },
      ],
    },
  ]
}
