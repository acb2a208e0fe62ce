import { readFileSync } from 'node:fs'
import { ConfigError } from '@nightpipe/command'
import type { Ut1Row } from '@nightpipe/sky'
import { airToVacuum, type LineMask, TELLURIC_BANDS, type Window } from '@nightpipe/spectra'
import { IRON_LINES } from './iron-lines.js'

/** The rows of numbers in a text or CSV; lines of words are its head. */
function rowsOf(path: string, columns: number): number[][] {
  const rows = readFileSync(path, 'utf8')
    .split(/\r?\n/)
    .map((line) => line.replace(/[#!].*$/, '').trim())
    .filter((line) => /^[+-]?[\d.]/.test(line))
    .map((line) => line.split(/[\s,;]+/).map(Number))
  const wrong = rows.find((row) => row.length < columns || row.some(Number.isNaN))
  if (rows.length === 0 || wrong) {
    throw new ConfigError(`${path}: ${wrong ? `"${wrong.join(' ')}"` : 'no row'} where ${columns} numbers are expected`)
  }
  return rows
}

/** The lines of a mask: wavelength and weight, or start, end and weight of a hole. */
export function readMask(path: string, medium: 'vacuum' | 'air'): LineMask {
  const vacuum = (angstrom: number) => (medium === 'air' ? airToVacuum(angstrom) : angstrom)
  const lines = rowsOf(path, 2)
    .map((row): [number, number] => (row.length > 2 ? [(row[0]! + row[1]!) / 2, row[2]!] : [row[0]!, row[1]!]))
    .filter(([wavelength, weight]) => wavelength > 0 && weight > 0)
    .sort((a, b) => a[0] - b[0])
  if (lines.length === 0) throw new ConfigError(`${path}: no line with a wavelength and a weight above 0`)
  return { wavelength: Float64Array.from(lines, ([w]) => vacuum(w)), weight: Float64Array.from(lines, ([, w]) => w) }
}

/** Iron in stars like the Sun: air wavelengths of Nave et al. 1994 to vacuum. */
export const ironMask = (): LineMask => ({
  wavelength: Float64Array.from(IRON_LINES, ([air]) => airToVacuum(air)),
  weight: Float64Array.from(IRON_LINES, ([, weight]) => weight),
})

/** The bands of the air that a key of the configuration means; undefined: as the spectrum shows. */
export function readTellurics(said: string): readonly Window[] | undefined {
  if (said.toLowerCase() === 'auto') return undefined
  if (said.toLowerCase() === 'none') return []
  if (said.toLowerCase() === 'standard') return TELLURIC_BANDS
  return rowsOf(said, 2).map(([from, to]) => ({ from: from!, to: to! }))
}

/** UT1 - UTC of one's own. */
export function readUt1(path: string): readonly Ut1Row[] {
  const rows = rowsOf(path, 2).map(([mjd, dut1]) => ({ mjd: mjd!, dut1: dut1! }))
  const wrong = rows.find(({ mjd, dut1 }, k) => Math.abs(dut1) > 1 || (k > 0 && mjd <= rows[k - 1]!.mjd))
  if (wrong)
    throw new ConfigError(`${path}: MJD ${wrong.mjd}, ${wrong.dut1} s: expected rising MJD, and UT1 - UTC below 1 s`)
  return rows
}
