import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ConfigError } from '@nightpipe/command'
import { profileFolder } from '@nightpipe/config'
import { power } from '@nightpipe/math'
import { randomOf } from '../random.js'
import type { Settings } from './schema.js'

/** A line of a lamp. */
export interface Line {
  /** vacuum, Angstrom */
  wavelength: number
  /** of the list */
  intensity: number
  ion: string
}

/** The file that a name or path means. */
export function lineFile(name: string): string {
  const shipped = profileFolder()
  const places = [name, ...(shipped ? [join(dirname(shipped), 'lines', `${name}.csv`)] : [])]
  const found = places.find((place) => /\.\w+$/.test(place) && existsSync(place))
  if (!found) throw new ConfigError(`[arc] lines: there is no list ${name}`, 'a name of configs/lines, or a CSV file')
  return found
}

/** Reads wavelength_angstrom, intensity and ion; lines with # are comments. */
export function readLines(file: string): Line[] {
  const lines = readFileSync(file, 'utf8').trim().split(/\r?\n/)
  const [head = '', ...rows] = lines.filter((line) => !line.startsWith('#'))
  const names = head.split(',').map((name) => name.trim())
  const [w, i, s] = ['wavelength_angstrom', 'intensity', 'ion'].map((name) => names.indexOf(name)) as [
    number,
    number,
    number,
  ]
  if (w < 0) throw new ConfigError(`${file}: no column wavelength_angstrom`, 'configs/lines/README.md tells the form')
  return rows
    .map((row) => row.split(','))
    .map((cells) => ({
      wavelength: Number(cells[w]),
      intensity: i < 0 ? 1000 : Number(cells[i]),
      ion: (cells[s] ?? '').trim(),
    }))
    .filter(({ wavelength, intensity }) => wavelength > 0 && intensity > 0)
    .sort((a, b) => a.wavelength - b.wavelength)
}

/** The lines of the lamp of a spectrograph and the electrons that each leaves in an arc frame: no two lamps are alike. */
export function lampOf({ arc, random }: Settings): { wavelength: number; electrons: number; ion: string }[] {
  const scatter = randomOf(random.seed, 'lamp')
  return readLines(lineFile(arc.lines)).map(({ wavelength, intensity, ion }) => {
    const element = ion.startsWith('Ar') ? arc.argon : 1
    const factor = Math.exp(arc.scatter * scatter.normal())
    return { wavelength, ion, electrons: arc.level * power(intensity / 1000, arc.contrast) * factor * element }
  })
}
