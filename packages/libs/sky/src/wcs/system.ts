import { galacticToIcrs, precession } from '../precession.js'
import type { CardLookup } from '../tan.js'
import { numberOfCard } from '../tan.js'

/** The system of a header's directions, and its equinox where the system has one. */
export interface SkySystem {
  name: 'ICRS' | 'FK5' | 'FK4' | 'galactic'
  equinox: number
}

/** RADESYS and EQUINOX, with the standard's defaults: FK4 before 1984, FK5 after, ICRS without an equinox. */
export function systemOf(card: CardLookup, galactic: boolean): SkySystem {
  if (galactic) return { name: 'galactic', equinox: 2000 }
  const equinox = equinoxOf(card('EQUINOX')) ?? equinoxOf(card('EPOCH'))
  const name = String(card('RADESYS') ?? card('RADECSYS') ?? '')
    .trim()
    .toUpperCase()
  if (name.startsWith('FK4')) return { name: 'FK4', equinox: equinox ?? 1950 }
  if (name === 'FK5') return { name: 'FK5', equinox: equinox ?? 2000 }
  if (name !== '' || equinox === undefined) return { name: 'ICRS', equinox: 2000 }
  return { name: equinox < 1984 ? 'FK4' : 'FK5', equinox }
}

/** Some writers put `J2000` or `B1950.0` where a number belongs. An equinox outside of 1800 to 2100 is none. */
function equinoxOf(value: unknown): number | undefined {
  const year = numberOfCard(typeof value === 'string' ? value.trim().replace(/^[JB]/i, '') : value)
  return year !== undefined && year >= 1800 && year <= 2100 ? year : undefined
}

/** The rotation from a system to ICRS; undefined where they are taken as the same. */
export function systemToIcrs({ name, equinox }: SkySystem): Float64Array | undefined {
  if (name === 'galactic') return galacticToIcrs()
  if (name === 'FK5') return equinox === 2000 ? undefined : precession(equinox, 2000)
  if (name === 'FK4') return precession(equinox, 2000, 'FK4')
  return undefined
}
