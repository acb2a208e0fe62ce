import { type AirFormula, airToVacuum } from './air.js'

/** Lines of a lamp, by wavelength. One value per line in each array. */
export interface LineList {
  /** vacuum, Angstrom */
  wavelength: Float64Array
  /** in any unit; NaN where the list does not say */
  intensity: Float64Array
  /** one sigma, Angstrom; 0 where the list does not say */
  error: Float64Array
  /** all lines that the lamp is known to have, whose light disturbs these: brightness in the same unit, by wavelength */
  all?: { wavelength: Float64Array; intensity: Float64Array }
}

export interface LineListOptions {
  /** what the list itself does not say: its wavelengths are in air (default: in vacuum) */
  air?: boolean
  formula?: AirFormula
  /** Angstrom per unit of the list; by default 10 where the wavelengths can only be nm */
  unit?: number
}

/** Words in the comments of a list that tell where its wavelengths were taken, and in which unit. */
const SAYS_AIR = /\bair\b/i
const SAYS_NM = /\bnm\b|nanomet/i
const SAYS_ANGSTROM = /angstrom|\bÅ/i

/**
 * Reads the lists that people have: one line each, numbers in columns (blank, comma or | between them), with headers or comments
 * before. The wavelength is the column called so, else the first that rises from line to line and can be one; an intensity and an
 * error follow where the header names them, or where three columns can be nothing else. Nanometres become Angstrom, air becomes vacuum.
 */
export function parseLineList(text: string, options: LineListOptions = {}): LineList {
  const { rows, header, comments } = tableOf(text)
  const names = header.map((name) => name.toLowerCase().replace(/\(.*/, ''))
  const named = (pattern: RegExp) => names.findIndex((name) => pattern.test(name))
  const at = pickWavelength(rows, named(/^(wave|lambda|wl$|lam$)/))
  if (at < 0) throw new RangeError('no column of wavelengths')
  const intensityAt = named(/^(bright|int|ampl|flux|rel)/)
  const errorAt = named(/^(err|unc|sigma|d(lambda|wave)|wavelength_err)/)
  const values = rows.map((row) => [row[at], row[intensityAt] ?? Number.NaN, row[errorAt] ?? 0] as const)
  const good = values.filter(([wavelength]) => wavelength > 0).sort((a, b) => a[0] - b[0])
  const scale =
    options.unit ??
    unitOf(
      good.map(([wavelength]) => wavelength),
      comments,
    )
  const air = options.air ?? (SAYS_AIR.test(comments) && !/vacuum/i.test(comments))
  const wavelength = Float64Array.from(good, ([w]) => (air ? airToVacuum(w * scale, options.formula) : w * scale))
  return {
    wavelength,
    intensity: Float64Array.from(good, ([, intensity]) => (intensity > 0 ? intensity : Number.NaN)),
    error: Float64Array.from(good, ([, , error]) => (error > 0 ? error * scale : 0)),
  }
}

/** The lines of a list within a range of wavelengths (Angstrom). */
export function linesWithin(list: LineList, from: number, to: number): LineList {
  const keep = [...list.wavelength.keys()].filter((k) => list.wavelength[k] >= from && list.wavelength[k] <= to)
  const pick = (values: Float64Array) => Float64Array.from(keep, (k) => values[k])
  return { wavelength: pick(list.wavelength), intensity: pick(list.intensity), error: pick(list.error) }
}

/** Rows of cells as numbers (NaN for words), the last line of words before them, and all lines that are no rows. */
function tableOf(text: string): { rows: number[][]; header: string[]; comments: string } {
  const rows: number[][] = []
  const talk: string[] = []
  let header: string[] = []
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.replace(/^[|\s]+|[|\s]+$/g, '')
    if (line === '') continue
    const cells = line.split(/\s*[|,;]\s*|\s+/)
    const numbers = cells.map((cell) =>
      /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(cell) ? Number(cell) : Number.NaN,
    )
    const isRow = numbers.some((n) => n > 100) && (raw.includes('|') || !Number.isNaN(numbers[0]))
    if (isRow) rows.push(raw.includes('|') ? splitBars(raw) : numbers)
    else {
      talk.push(line)
      if (rows.length === 0) header = raw.includes('|') ? barCells(raw) : cells.filter((cell) => cell !== '#')
    }
  }
  return { rows, header, comments: talk.join('\n') }
}

const barCells = (raw: string) =>
  raw
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim())
const splitBars = (raw: string) => barCells(raw).map((cell) => (cell === '' ? Number.NaN : Number(cell)))

/** The named column, or the first whose values rise and lie where wavelengths do (nm or Angstrom); −1 for none. */
function pickWavelength(rows: readonly number[][], named: number): number {
  if (named >= 0) return named
  const width = Math.max(0, ...rows.slice(0, 50).map((row) => row.length))
  for (let c = 0; c < width; c++) {
    const values = rows.map((row) => row[c])
    const inRange = values.filter((value) => value > 100 && value < 60000).length
    const fractions = values.filter((value) => !Number.isInteger(value)).length
    if (inRange > 0.9 * rows.length && fractions > 0.5 * rows.length) return c
  }
  return -1
}

/** Lamps are lists of Angstrom where the comments say so or the numbers are too large for nm. */
function unitOf(wavelengths: readonly number[], comments: string): number {
  if (wavelengths.some((wavelength) => wavelength > 2600)) return 1
  if (SAYS_ANGSTROM.test(comments) && !SAYS_NM.test(comments)) return 1
  return 10
}
