#!/usr/bin/env node
// Makes configs/lines/thar.csv: vacuum wavelengths and relative intensities of the lines of thorium and argon that hollow-cathode
// lamps show. Wavelengths are facts of physics; the two tables they are read from are not part of this repository:
//
//   node scripts/make-line-list.mjs arc_ThAr_Redman.txt ThAr_lines.dat > configs/lines/thar.csv
//
// 1. Redman, Nave & Sansonetti (2014, ApJS 211, 4), the lines selected for spectrographs of this kind: nm, intensity, error.
// 2. NIST Atomic Spectra Database with the lines that Murphy et al. (2007, MNRAS 378, 221) see in lamps: ion, Angstrom, intensity.
//    From these come the wavelengths beyond the first list, and the strong lines of argon and thorium that it leaves out.
import { readFileSync } from 'node:fs'

const [redmanFile, nistFile] = process.argv.slice(2)
if (!nistFile) throw new Error('which two tables?')

const redman = readFileSync(redmanFile, 'utf8')
  .split('\n')
  .slice(2)
  .map((line) => line.trim().split(/\s+/).map(Number))
  .filter((cells) => cells.length === 3)
  .map(([nm, intensity, error]) => ({ wavelength: nm * 10, intensity, error: error * 10 }))

const nist = readFileSync(nistFile, 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('|') && !line.includes('wave'))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, ion, wavelength, , , amplitude, source]) => ({
    ion,
    wavelength: Number(wavelength),
    intensity: Number(amplitude),
    source,
  }))
  .filter(
    ({ ion, intensity, source }) =>
      /^(Th|Ar)/.test(ion) && intensity >= 50 && (source.includes('MURPHY') || intensity >= 300),
  )

// Two tables of one line differ by less than 0.01 Angstrom; a spectrograph of R = 50000 tells lines 0.1 apart.
const near = (a) => redman.some((b) => Math.abs(a.wavelength - b.wavelength) < 0.05)
const added = nist
  .filter((line) => !near(line))
  .map(({ wavelength, intensity }) => ({ wavelength, intensity, error: 0.0005 }))
const all = [...redman, ...added].sort((a, b) => a.wavelength - b.wavelength)

console.log(`# Lines of thorium-argon lamps, vacuum wavelengths: Redman, Nave & Sansonetti (2014, ApJS 211, 4); where they give none, NIST
# Atomic Spectra Database and Murphy et al. (2007, MNRAS 378, 221). Made by scripts/make-line-list.mjs.
wavelength_angstrom,intensity,error_angstrom`)
for (const { wavelength, intensity, error } of all) {
  console.log(`${wavelength.toFixed(6)},${intensity},${error.toFixed(6)}`)
}
